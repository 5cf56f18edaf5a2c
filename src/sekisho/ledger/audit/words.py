"""Every sentence of an audit, in English and in Japanese. Closed lists, tested to be complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from sekisho.ledger.audit.types import ClauseKind, Control, Ground, Limit, Result


class Language(Enum):
    """The languages of a report."""

    EN = "en"
    JA = "ja"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or term in both languages."""

    en: str
    ja: str

    def in_(self, language: Language) -> str:
        return self.ja if language is Language.JA else self.en


def control_text(control: Control) -> Text:
    """Return what `control` does, with its step of a call, if it is one."""
    if not control.step:
        return Text(control.en, control.ja)
    return Text(f"step {control.step}: {control.en}", f"手順{control.step}：{control.ja}")


RESULTS: Final[Mapping[Result, Text]] = MappingProxyType(
    {
        Result.MET: Text("met", "充足"),
        Result.NOT_MET: Text("not met", "違反"),
        Result.NOT_SHOWN: Text("not shown", "確認できず"),
    }
)

CLAUSES: Final[Mapping[ClauseKind, Text]] = MappingProxyType(
    {
        ClauseKind.QUORUM: Text(
            "The accord is signed by the quorum of the charter", "合意に憲章の定足数の署名があること"
        ),
        ClauseKind.LAB: Text("Calls go to this lab alone", "呼び出し先がこのラボに限られること"),
        ClauseKind.MODELS: Text(
            "Calls use these models alone, at the tier of their grant",
            "使用モデルがこれらに限られ、許可の区分に従うこと",
        ),
        ClauseKind.KINDS: Text(
            "Grants go to institutions of these kinds alone", "許可の対象がこれらの種別の機関に限られること"
        ),
        ClauseKind.TECHNIQUES: Text("Calls are for these techniques alone", "用途がこれらの手法に限られること"),
        ClauseKind.VALID: Text("Calls are made while the accord is valid", "呼び出しが合意の有効期間内であること"),
        ClauseKind.CONDITION: Text("A condition that binds people", "人が守る条件"),
        ClauseKind.GRANTS: Text(
            "Every call rests on a grant that the quorum signed and that lies within the accord",
            "すべての呼び出しが、定足数の署名があり合意の範囲内にある許可に基づくこと",
        ),
        ClauseKind.BELONGING: Text(
            "Whom and what a grant names belongs to its institution",
            "許可に記載の担当者、ワークロード、資産が、その機関に属すること",
        ),
        ClauseKind.SCOPE: Text("Every call lies within its grant", "すべての呼び出しがその許可の範囲内であること"),
        ClauseKind.BUDGETS: Text(
            "No grant is used beyond its budget of tokens and calls",
            "どの許可も、トークン数と呼び出し回数の予算を超えないこと",
        ),
        ClauseKind.REVOCATIONS: Text(
            "A revocation is signed by the quorum, and no call follows it",
            "取消しに定足数の署名があり、その後の呼び出しがないこと",
        ),
        ClauseKind.HOLDS: Text(
            "A hold by one party stops calls at once, for no longer than the charter's term",
            "一当事者による停止措置で直ちに呼び出しが止まり、憲章の期間を超えないこと",
        ),
        ClauseKind.JUDGED: Text(
            "Every call is judged by decisions on record, the newest of the last two minutes",
            "すべての呼び出しが、記録済みで2分以内に最新であった決定に基づいて判断されること",
        ),
        ClauseKind.RECORD: Text(
            "Every call is on record once, before it is made and with its outcome after",
            "すべての呼び出しが一度だけ記録され、実行前の記録と結果の記録があること",
        ),
    }
)

GROUNDS: Final[Mapping[Ground, Text]] = MappingProxyType(
    {
        Ground.DOCUMENT_MISSING: Text("the signed document is not in the entry", "署名済み文書が記録にありません"),
        Ground.DOCUMENT_REFUSED: Text(
            "the document does not open under the pinned charter: its quorum, its terms or its times",
            "固定した憲章で文書を検証できません（定足数、条件または日時）",
        ),
        Ground.DOCUMENT_DIFFERS: Text("the entry says other than its document", "記録と文書の内容が異なります"),
        Ground.GRANT_UNKNOWN: Text(
            "no such grant was issued in the decisions it names", "呼び出しが示す決定の中に、その許可がありません"
        ),
        Ground.GRANT_REFUSED: Text(
            "its grant is not one that the quorum signed within the accord",
            "その許可は、定足数の署名を備え合意の範囲内にあるものではありません",
        ),
        Ground.OTHER_LAB: Text("another lab", "別のラボです"),
        Ground.OTHER_MODEL: Text(
            "a model that the accord does not have at that tier", "その区分では合意にないモデルです"
        ),
        Ground.OTHER_KIND: Text(
            "the institution is of a kind that the accord does not admit", "合意が認めない種別の機関です"
        ),
        Ground.OTHER_TECHNIQUE: Text("a technique that the accord does not have", "合意にない手法です"),
        Ground.OTHER_TIME: Text("outside the time of the accord", "合意の有効期間外です"),
        Ground.OTHER_OWNER: Text(
            "it names a person, workload or asset of another institution",
            "別の機関の担当者、ワークロードまたは資産を含みます",
        ),
        Ground.OUT_OF_SCOPE: Text(
            "outside its grant: institution, principal, lab, model, asset, technique or time",
            "許可の範囲外です（機関、主体、ラボ、モデル、資産、手法または時刻）",
        ),
        Ground.TOKENS_OVER: Text(
            "with it the grant's tokens were overspent", "これにより許可のトークン予算を超えました"
        ),
        Ground.CALLS_OVER: Text("with it the grant's calls were overspent", "これにより許可の呼び出し回数を超えました"),
        Ground.AFTER_REVOCATION: Text("made after its grant was revoked", "許可の取消し後に行われました"),
        Ground.ON_HOLD: Text("made while a hold was in force", "停止措置の期間中に行われました"),
        Ground.SNAPSHOT_UNKNOWN: Text(
            "judged by a snapshot that is not on record", "記録にないスナップショットで判断されました"
        ),
        Ground.SNAPSHOT_STALE: Text(
            "judged by a snapshot that had ended", "効力を失ったスナップショットで判断されました"
        ),
        Ground.REQUEST_REPEATED: Text("its request id was used before", "リクエスト番号が重複しています"),
        Ground.ANSWER_WITHOUT_INTENT: Text(
            "an outcome for which no intent waits", "対応する実行前の記録がない結果です"
        ),
        Ground.NO_OUTCOME: Text(
            "no outcome yet: under way, or lost", "結果がまだありません（処理中、または失われました）"
        ),
        Ground.NOT_ENROLLED: Text(
            "the log does not have the enrolment of all that it names before it",
            "記載されたものの登録が、それ以前の記録にそろっていません",
        ),
    }
)

LIMITS: Final[Mapping[Limit, Text]] = MappingProxyType(
    {
        Limit.UNGATED: Text(
            "Calls that never passed a gate leave no entry; only the lab's own records can show that there were none.",
            "ゲートを通らない呼び出しは記録に残りません。それがなかったことは、ラボ側の記録でしか確かめられません。",
        ),
        Limit.LOGS_NOT_GIVEN: Text(
            "What was cut off after the newest checkpoint that you hold, and logs that the decisions log never named, "
            "are not here.",
            "お手元の最新チェックポイントより後に切り落とされた部分と、決定ログに載らないログは、対象に含まれません。",
        ),
        Limit.IDENTITY: Text(
            "That an institution, a person or an asset is what its enrolment says is the office's word.",
            "機関、担当者、資産が登録どおりのものであることは、事務局の申告によります。",
        ),
        Limit.LAB_CONDUCT: Text(
            "Which model really answered, and what the lab did with the prompt, is the lab's word.",
            "実際に応答したモデルと、ラボでのプロンプトの扱いは、ラボの申告によります。",
        ),
        Limit.CONTENT: Text(
            "Content is a salted commitment: what was really asked, and about what, is not in the log.",
            "内容はソルト付きコミットメントとしてのみ記録され、実際に何を尋ねたかは記録にありません。",
        ),
        Limit.USAGE: Text(
            "Tokens are what the lab told or what the gate reserved.",
            "トークン数は、ラボの通知値またはゲートの確保値です。",
        ),
        Limit.TIMES: Text(
            "Times are the writers' own clocks; two minutes of difference are allowed.",
            "時刻は記録者自身の時計によるもので、2分までの差を許容します。",
        ),
        Limit.PEOPLE: Text(
            "No program enforces it, so no entry shows it; ask whom it binds.",
            "プログラムでは強制されないため、記録では確認できません。義務を負う当事者にご確認ください。",
        ),
    }
)

# The words around them.
TITLE: Final = Text("Audit of an accord", "合意の監査報告")
RESULT: Final = Text("result", "結果")
CLAUSE: Final = Text("clause", "条項")
TERMS: Final = Text("terms", "内容")
CONTROL: Final = Text("control", "統制")
EVIDENCE: Final = Text("entries that show it", "裏付ける記録")
AGAINST: Final = Text("entries against it", "反する記録")
OPEN: Final = Text("entries that leave it open", "判断を保留させる記録")
SIDES: Final = Text("for / against / open", "裏付け / 反証 / 保留")
WHY: Final = Text("why", "理由")
ENTRY: Final = Text("entry", "記録")
TIME: Final = Text("time", "時刻")
KIND: Final = Text("kind", "種別")
FIRST_OF: Final = Text("the first {listed} of {count}", "{count}件中、最初の{listed}件")
LOG: Final = Text("log", "ログ")
SIZE: Final = Text("entries", "件数")
ROOT: Final = Text("Merkle root", "マークルルート")
LIMIT: Final = Text("What the log cannot prove", "ログでは証明できないこと")
CLAUSES_HEADING: Final = Text("Clauses", "条項ごとの結果")
READ: Final = Text("What was read", "対象とした記録")
FAULTS: Final = Text(
    "Verification found in what entries say, of this accord or another",
    "記録の内容について検証で見つかった問題（他の合意に関するものを含む）",
)
VERIFIED: Final = Text(
    "Files, keys, signatures and trees of the ledger verify under the pinned charter.",
    "台帳のファイル、鍵、署名、ツリーは、固定した憲章のもとで検証済みです。",
)
READING: Final = Text(
    "A clause is met if an entry shows it and none speaks against it; not met if one entry speaks against it; "
    "not shown otherwise. The whole is not met if one clause is not met, else not shown if one is not shown.",
    "裏付ける記録があり、反する記録がなければ「充足」、反する記録が一つでもあれば「違反」、いずれでもなければ"
    "「確認できず」とします。全体は、一つでも違反があれば「違反」、なければ一つでも確認できない条項があれば"
    "「確認できず」とします。",
)
NONE: Final = Text("none", "なし")
ENFORCED_BY_NONE: Final = Text("no control enforces it", "強制する統制はありません")
ACCORD: Final = Text("accord", "合意")
LAB: Final = Text("lab", "ラボ")
PROGRAMME: Final = Text("programme", "プログラム")
ACCORD_SHA256: Final = Text("SHA-256 of the accord", "合意のSHA-256")
CHARTER_SHA256: Final = Text("SHA-256 of the charter", "憲章のSHA-256")
LAST: Final = Text("last", "最後")
