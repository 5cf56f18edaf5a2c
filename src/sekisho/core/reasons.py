"""The closed list of reasons for a denial or a broken-off call, each with its words in English and Japanese.

Codes are stable: programs match on them, `docs/reasons.md` documents each. A reason says what happened,
what would change it and whom to ask. Reasons of step 2 stay in the log: on the wire every caller that is not
authenticated sees NOT_AUTHENTICATED, so that a guess teaches nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Reason(Enum):
    """Why a call was denied or broken off; the value is the stable code."""

    REQUEST_MALFORMED = "SKS-GATE-101"
    REQUEST_TOO_LARGE = "SKS-GATE-102"
    SURFACE_UNKNOWN = "SKS-GATE-103"
    NOT_AUTHENTICATED = "SKS-GATE-201"
    TOKEN_MISSING = "SKS-GATE-202"
    TOKEN_REFUSED = "SKS-GATE-203"
    TOKEN_EXPIRED = "SKS-GATE-204"
    PROOF_MISSING = "SKS-GATE-205"
    PROOF_REFUSED = "SKS-GATE-206"
    PROOF_KEY_MISMATCH = "SKS-GATE-207"
    PROOF_STALE = "SKS-GATE-208"
    PROOF_REPLAYED = "SKS-GATE-209"
    PRINCIPAL_UNKNOWN = "SKS-ACCESS-301"
    PERSON_SUSPENDED = "SKS-ACCESS-302"
    INSTITUTION_SUSPENDED = "SKS-ACCESS-303"
    NO_GRANT = "SKS-ACCESS-304"
    GRANT_REVOKED = "SKS-ACCESS-305"
    GRANT_ON_HOLD = "SKS-ACCESS-306"
    LAB_ON_HOLD = "SKS-ACCESS-307"
    MODEL_ON_HOLD = "SKS-ACCESS-308"
    SNAPSHOT_STALE = "SKS-ACCESS-309"
    ASSET_UNDECLARED = "SKS-ACCESS-401"
    ASSET_OUT_OF_SCOPE = "SKS-ACCESS-402"
    WINDOW_CLOSED = "SKS-ACCESS-403"
    TECHNIQUE_NOT_GRANTED = "SKS-ACCESS-404"
    POLICY_DENIED = "SKS-POLICY-501"
    POLICY_FAILED = "SKS-POLICY-502"
    BUDGET_SPENT = "SKS-ACCESS-701"
    LEDGER_UNAVAILABLE = "SKS-LEDGER-801"
    NOT_SEALED = "SKS-LEDGER-802"
    LAB_UNREACHABLE = "SKS-LABS-901"
    LAB_TIMEOUT = "SKS-LABS-902"
    LAB_BROKE_OFF = "SKS-LABS-903"
    LAB_GARBLED = "SKS-LABS-904"
    LAB_NOT_SET_UP = "SKS-LABS-905"
    CUT_BY_HOLD = "SKS-ACCESS-905"
    CALLER_LEFT = "SKS-GATE-906"
    GATE_FAILED = "SKS-GATE-908"
    GATE_STOPPING = "SKS-GATE-907"


class Ask(Enum):
    """Whom a person asks about a reason; the values are the English and the Japanese name."""

    YOURSELF = ("your own developers", "自組織の開発担当")
    INSTITUTION = ("your institution's administrator", "所属機関の管理者")
    OFFICE = ("the programme office", "プログラム事務局")
    LAB = ("the lab's support", "ラボのサポート窓口")

    @property
    def en(self) -> str:
        return self.value[0]

    @property
    def ja(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonText:
    """The words of one reason. `status`: the HTTP status on the wire; `step`: DESIGN's step of a call."""

    status: int
    step: int
    en: str
    ja: str
    change_en: str
    change_ja: str
    ask: Ask


REASONS: Mapping[Reason, ReasonText] = MappingProxyType(
    {
        Reason.REQUEST_MALFORMED: ReasonText(
            status=400,
            step=1,
            en="The request is not well-formed HTTP or JSON of the shape this API takes.",
            ja="リクエストがHTTPまたはJSONとして正しくないか、このAPIの形式に合っていません。",
            change_en="Correct the request; the message says where it failed.",
            change_ja="メッセージが示す箇所を直してください。",
            ask=Ask.YOURSELF,
        ),
        Reason.REQUEST_TOO_LARGE: ReasonText(
            status=413,
            step=1,
            en="The request is larger, or nested deeper, than the gate accepts.",
            ja="リクエストの大きさまたは入れ子の深さが、ゲートの上限を超えています。",
            change_en="Send less at once.",
            change_ja="一度に送る量を減らしてください。",
            ask=Ask.YOURSELF,
        ),
        Reason.SURFACE_UNKNOWN: ReasonText(
            status=404,
            step=1,
            en="The gate does not carry this path or method.",
            ja="ゲートはこのパスまたはメソッドを中継しません。",
            change_en="Use one of the surfaces listed in docs/gate.md.",
            change_ja="docs/gate.md に載っているAPIを使ってください。",
            ask=Ask.YOURSELF,
        ),
        Reason.NOT_AUTHENTICATED: ReasonText(
            status=401,
            step=2,
            en="The caller did not prove who it is.",
            ja="呼び出し元の本人確認ができませんでした。",
            change_en="Sign in again through the sidecar and send a fresh proof with the nonce of this answer.",
            change_ja="サイドカーで再度サインインし、この応答のnonceを使った新しい証明を送ってください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.TOKEN_MISSING: ReasonText(
            status=401,
            step=2,
            en="No access token was sent, or more than one.",
            ja="アクセストークンがないか、複数あります。",
            change_en="Send exactly one token under the DPoP scheme.",
            change_ja="DPoPスキームでトークンを一つだけ送ってください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.TOKEN_REFUSED: ReasonText(
            status=401,
            step=2,
            en="The access token is not one that this programme issued for this gate.",
            ja="このアクセストークンは、本プログラムがこのゲート向けに発行したものではありません。",
            change_en="Ask the control plane for a token for this gate.",
            change_ja="コントロールプレーンから、このゲート向けのトークンを取得してください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.TOKEN_EXPIRED: ReasonText(
            status=401,
            step=2,
            en="The access token has expired or is not yet valid.",
            ja="アクセストークンの有効期限が切れているか、まだ有効ではありません。",
            change_en="Ask the control plane for a new token.",
            change_ja="コントロールプレーンから新しいトークンを取得してください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PROOF_MISSING: ReasonText(
            status=401,
            step=2,
            en="The token came without exactly one proof of its key.",
            ja="トークンに対応する鍵の証明が、一つだけ添えられていません。",
            change_en="Send one DPoP proof made with the key that the token is bound to.",
            change_ja="トークンに結び付いた鍵で作ったDPoP証明を一つ添えてください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PROOF_REFUSED: ReasonText(
            status=401,
            step=2,
            en="The proof is malformed, or was made for another request.",
            ja="証明の形式が正しくないか、別のリクエスト向けに作られたものです。",
            change_en="Make a new proof for this method, address and token.",
            change_ja="このメソッド・アドレス・トークン向けに証明を作り直してください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PROOF_KEY_MISMATCH: ReasonText(
            status=401,
            step=2,
            en="The proof was made with a key other than the token's.",
            ja="証明が、トークンの鍵とは別の鍵で作られています。",
            change_en="Use the key that the token was issued to; a token alone opens nothing.",
            change_ja="トークンの発行先の鍵を使ってください。トークンだけでは何もできません。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PROOF_STALE: ReasonText(
            status=401,
            step=2,
            en="The proof is too old, too new, or carries no current nonce.",
            ja="証明が古すぎる、新しすぎる、または現在のnonceを含んでいません。",
            change_en="Check the clock, and use the nonce of the latest answer.",
            change_ja="時計を確かめ、最新の応答のnonceを使ってください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PROOF_REPLAYED: ReasonText(
            status=401,
            step=2,
            en="The proof was used before.",
            ja="この証明は既に使われています。",
            change_en="Make a new proof for each request.",
            change_ja="リクエストごとに新しい証明を作ってください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PRINCIPAL_UNKNOWN: ReasonText(
            status=403,
            step=3,
            en="The person or workload is not enrolled, or its key was withdrawn.",
            ja="この担当者またはワークロードは登録されていないか、鍵が取り消されています。",
            change_en="Have the institution enrol the principal again.",
            change_ja="機関から登録し直してもらってください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.PERSON_SUSPENDED: ReasonText(
            status=403,
            step=3,
            en="This person or workload is suspended.",
            ja="この担当者またはワークロードは停止されています。",
            change_en="The hold names its basis and lapses at its term; the programme office knows both.",
            change_ja="停止措置には根拠と期限が記されており、期限の到来で終わります。詳細は事務局が把握しています。",
            ask=Ask.OFFICE,
        ),
        Reason.INSTITUTION_SUSPENDED: ReasonText(
            status=403,
            step=3,
            en="This institution is suspended.",
            ja="この機関は停止されています。",
            change_en="The hold names its basis and lapses at its term; the programme office knows both.",
            change_ja="停止措置には根拠と期限が記されており、期限の到来で終わります。詳細は事務局が把握しています。",
            ask=Ask.OFFICE,
        ),
        Reason.NO_GRANT: ReasonText(
            status=403,
            step=3,
            en="No grant in force lets this caller use the model that it asked for.",
            ja="この呼び出し元が要求したモデルを使える、有効な許可がありません。",
            change_en="Apply for a grant for this model, or use a model that you were granted.",
            change_ja="このモデルの許可を申請するか、許可されたモデルを使ってください。",
            ask=Ask.OFFICE,
        ),
        Reason.GRANT_REVOKED: ReasonText(
            status=403,
            step=3,
            en="The grant was revoked.",
            ja="許可は取り消されました。",
            change_en="A new grant needs the quorum's signatures.",
            change_ja="新しい許可には定足数の署名が必要です。",
            ask=Ask.OFFICE,
        ),
        Reason.GRANT_ON_HOLD: ReasonText(
            status=403,
            step=3,
            en="The grant, or the accord it rests on, is on hold.",
            ja="許可、またはその根拠となる合意が停止中です。",
            change_en="The hold names its basis and lapses at its term; the programme office knows both.",
            change_ja="停止措置には根拠と期限が記されており、期限の到来で終わります。詳細は事務局が把握しています。",
            ask=Ask.OFFICE,
        ),
        Reason.LAB_ON_HOLD: ReasonText(
            status=403,
            step=3,
            en="All calls to this lab are on hold.",
            ja="このラボへの呼び出しはすべて停止中です。",
            change_en="Wait until the hold lapses, or use a model of another lab that you were granted.",
            change_ja="期限の到来を待つか、許可された別のラボのモデルを使ってください。",
            ask=Ask.OFFICE,
        ),
        Reason.MODEL_ON_HOLD: ReasonText(
            status=403,
            step=3,
            en="All calls to this model are on hold.",
            ja="このモデルへの呼び出しはすべて停止中です。",
            change_en="Wait until the hold lapses, or use another model that you were granted.",
            change_ja="期限の到来を待つか、許可された別のモデルを使ってください。",
            ask=Ask.OFFICE,
        ),
        Reason.SNAPSHOT_STALE: ReasonText(
            status=503,
            step=3,
            en="The gate has lost touch with the programme and cannot know what is still granted.",
            ja="ゲートがプログラムとの接続を失い、現在の許可を確認できません。",
            change_en="Try again once the gate is connected; it recovers by itself.",
            change_ja="ゲートが再接続した後に、もう一度お試しください。復旧は自動です。",
            ask=Ask.OFFICE,
        ),
        Reason.ASSET_UNDECLARED: ReasonText(
            status=403,
            step=4,
            en="The token names no asset, or one that the institution has not declared as its own.",
            ja="トークンに対象資産の指定がないか、機関が自組織の資産として申告していないものです。",
            change_en="Declare the asset, then ask for a token that names it.",
            change_ja="資産を申告してから、その資産を指定したトークンを取得してください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.ASSET_OUT_OF_SCOPE: ReasonText(
            status=403,
            step=4,
            en="The asset is declared, but lies outside the grant.",
            ja="資産は申告されていますが、許可の範囲外です。",
            change_en="Use an asset of the grant, or apply to have this one added.",
            change_ja="許可に含まれる資産を使うか、この資産の追加を申請してください。",
            ask=Ask.OFFICE,
        ),
        Reason.WINDOW_CLOSED: ReasonText(
            status=403,
            step=4,
            en="The grant's window is not open now.",
            ja="許可の有効期間外です。",
            change_en="Wait until the window opens, or apply for another one.",
            change_ja="期間が始まるまで待つか、新しい期間を申請してください。",
            ask=Ask.OFFICE,
        ),
        Reason.TECHNIQUE_NOT_GRANTED: ReasonText(
            status=403,
            step=4,
            en="The grant does not allow the technique that the token names.",
            ja="トークンに記された手法は、許可で認められていません。",
            change_en="Use a technique of the grant, or apply to have this one added.",
            change_ja="許可された手法を使うか、この手法の追加を申請してください。",
            ask=Ask.OFFICE,
        ),
        Reason.POLICY_DENIED: ReasonText(
            status=403,
            step=5,
            en="No policy permits this call.",
            ja="この呼び出しを認めるポリシーがありません。",
            change_en="Ask the programme office which condition of the accord was not met.",
            change_ja="合意のどの条件を満たしていないか、事務局に確認してください。",
            ask=Ask.OFFICE,
        ),
        Reason.POLICY_FAILED: ReasonText(
            status=503,
            step=5,
            en="The policy engine could not decide, so the call is denied.",
            ja="ポリシーエンジンが判定できなかったため、呼び出しを拒否しました。",
            change_en="Nothing that the caller can do; the office is alerted.",
            change_ja="呼び出し元でできることはありません。事務局に通知されます。",
            ask=Ask.OFFICE,
        ),
        Reason.BUDGET_SPENT: ReasonText(
            status=403,
            step=7,
            en="The grant's budget is spent, or this call could exceed what is left.",
            ja="許可の予算を使い切ったか、この呼び出しで残りを超えるおそれがあります。",
            change_en="Ask for fewer output tokens, or apply for a larger budget.",
            change_ja="出力トークンの上限を下げるか、予算の増額を申請してください。",
            ask=Ask.OFFICE,
        ),
        Reason.LEDGER_UNAVAILABLE: ReasonText(
            status=503,
            step=8,
            en="The ledger could not be written, so the call was not made, or its answer was withheld.",
            ja="台帳に記録できなかったため、呼び出しを行わなかったか、その応答を保留しました。",
            change_en="Try again once the ledger writes again; the office is alerted.",
            change_ja="台帳の復旧後に、もう一度お試しください。事務局に通知されます。",
            ask=Ask.OFFICE,
        ),
        Reason.NOT_SEALED: ReasonText(
            status=503,
            step=8,
            en="The content could not be sealed to the auditors, so the call was not made, or its answer was withheld.",
            ja="内容を監査人向けに封印できなかったため、呼び出しを行わなかったか、その応答を保留しました。",
            change_en="Try again once the gate's disk takes files again; the office is alerted.",
            change_ja="ゲートのディスクの復旧後に、もう一度お試しください。事務局に通知されます。",
            ask=Ask.OFFICE,
        ),
        Reason.LAB_UNREACHABLE: ReasonText(
            status=502,
            step=9,
            en="The lab could not be reached.",
            ja="ラボに接続できませんでした。",
            change_en="Try again later; the call was recorded and nothing was spent.",
            change_ja="時間をおいて再度お試しください。呼び出しは記録され、予算は消費されていません。",
            ask=Ask.LAB,
        ),
        Reason.LAB_TIMEOUT: ReasonText(
            status=504,
            step=9,
            en="The lab did not answer in time.",
            ja="ラボが時間内に応答しませんでした。",
            change_en="Try again later.",
            change_ja="時間をおいて再度お試しください。",
            ask=Ask.LAB,
        ),
        Reason.LAB_BROKE_OFF: ReasonText(
            status=502,
            step=10,
            en="The lab's answer ended before it was complete.",
            ja="ラボの応答が途中で切れました。",
            change_en="Treat what arrived as incomplete and call again.",
            change_ja="届いた部分は不完全なものとして扱い、もう一度呼び出してください。",
            ask=Ask.LAB,
        ),
        Reason.LAB_GARBLED: ReasonText(
            status=502,
            step=10,
            en="The lab's answer was not what its API promises.",
            ja="ラボの応答がAPIの仕様に合っていません。",
            change_en="Try again; if it stays so, tell the lab.",
            change_ja="再度お試しください。続く場合はラボに連絡してください。",
            ask=Ask.LAB,
        ),
        Reason.LAB_NOT_SET_UP: ReasonText(
            status=503,
            step=7,
            en="This gate has no connection to the model's lab.",
            ja="このゲートには、モデルのラボへの接続が設定されていません。",
            change_en="Have the gate's operator enter the lab's address and credential, then restart the gate.",
            change_ja="ゲートの運用者に、ラボの接続先と資格情報の設定、およびゲートの再起動を依頼してください。",
            ask=Ask.INSTITUTION,
        ),
        Reason.CUT_BY_HOLD: ReasonText(
            status=403,
            step=10,
            en="The call was cut while under way, because a hold, a revocation or a suspension took effect.",
            ja="停止・取消し・利用停止が発効したため、進行中の呼び出しを打ち切りました。",
            change_en="Treat what arrived as incomplete; the hold names its basis.",
            change_ja="届いた部分は不完全なものとして扱ってください。停止措置には根拠が記されています。",
            ask=Ask.OFFICE,
        ),
        Reason.CALLER_LEFT: ReasonText(
            status=499,
            step=10,
            en="The caller closed the connection before the answer was complete.",
            ja="応答が完了する前に、呼び出し元が接続を閉じました。",
            change_en="Nothing to change; what the lab had produced is counted.",
            change_ja="対処は不要です。ラボが生成した分は予算に計上されます。",
            ask=Ask.YOURSELF,
        ),
        Reason.GATE_FAILED: ReasonText(
            status=500,
            step=10,
            en="The gate itself failed while the call was under way.",
            ja="呼び出しの処理中に、ゲート自体に障害が発生しました。",
            change_en="Treat what arrived as incomplete, and give the office the request id.",
            change_ja="届いた部分は不完全なものとして扱い、リクエストIDを事務局にお知らせください。",
            ask=Ask.OFFICE,
        ),
        Reason.GATE_STOPPING: ReasonText(
            status=503,
            step=1,
            en="The gate is stopping or has no room for another call.",
            ja="ゲートが停止処理中か、これ以上の呼び出しを受け付けられません。",
            change_en="Try again in a moment.",
            change_ja="少し待ってから、もう一度お試しください。",
            ask=Ask.OFFICE,
        ),
    }
)


def is_kept_from_the_wire(reason: Reason) -> bool:
    """Say whether `reason` is for the log alone, because the caller is not yet authenticated."""
    return REASONS[reason].step == 2 and reason is not Reason.NOT_AUTHENTICATED
