"""Which control enforces which clause, and what the log cannot prove of it. A table, tested against the files.

A condition has no control: it binds people. Nothing in a log can then show it, and the audit says so.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sekisho.ledger.audit.types import ClauseKind, Control, Limit


def _office(en: str, ja: str, file: str) -> Control:
    return Control(step=0, en=en, ja=ja, file=file)


def _gate(step: int, en: str, ja: str, file: str) -> Control:
    return Control(step=step, en=en, ja=ja, file=file)


_QUORUM: Final = _office(
    "the office opens the document under the pinned charter, counting signatures by party",
    "事務局は固定した憲章で文書を検証し、署名を当事者ごとに数えます",
    "trust/quorum.py",
)
_WITHIN: Final = _office(
    "a grant that gives more than its accord is refused",
    "合意を超える許可は受理されません",
    "trust/grant.py",
)
_PARTS: Final = _office(
    "the office looks up the institution, its people, workloads and assets before it issues a grant",
    "事務局は許可の発行前に、機関、担当者、ワークロード、資産の登録を確かめます",
    "access/services.py",
)
_RESOLVE: Final = _gate(
    3,
    "the gate finds caller, institution and a grant that covers the model",
    "ゲートは呼び出し元、機関、モデルを含む許可を特定します",
    "access/resolve.py",
)
_SCOPE: Final = _gate(
    4,
    "the gate holds asset, technique and time against the grant",
    "ゲートは資産、手法、時刻を許可と照合します",
    "access/resolve.py",
)
_POLICY: Final = _gate(
    5,
    "the policy engine judges the same call by another road",
    "ポリシーエンジンが別の方法で同じ呼び出しを判断します",
    "policy/decide.py",
)
_INTENT: Final = _gate(
    8,
    "no call is forwarded before its intent is durable",
    "実行前の記録が確定するまで、呼び出しは転送されません",
    "gate/call.py",
)

CONTROLS: Final[Mapping[ClauseKind, tuple[Control, ...]]] = MappingProxyType(
    {
        ClauseKind.QUORUM: (_QUORUM,),
        ClauseKind.LAB: (_WITHIN, _RESOLVE),
        ClauseKind.MODELS: (_WITHIN, _RESOLVE, _POLICY),
        ClauseKind.KINDS: (_PARTS,),
        ClauseKind.TECHNIQUES: (_WITHIN, _SCOPE, _POLICY),
        ClauseKind.VALID: (_WITHIN, _SCOPE, _POLICY),
        ClauseKind.CONDITION: (),
        ClauseKind.GRANTS: (_QUORUM, _WITHIN),
        ClauseKind.BELONGING: (_PARTS,),
        ClauseKind.SCOPE: (_RESOLVE, _SCOPE, _POLICY),
        ClauseKind.BUDGETS: (
            _gate(
                7,
                "the gate reserves what a call may cost, and settles what it did cost",
                "ゲートは呼び出しの上限を予算から確保し、実績で精算します",
                "gate/budget.py",
            ),
        ),
        ClauseKind.REVOCATIONS: (_QUORUM, _RESOLVE),
        ClauseKind.HOLDS: (
            _office(
                "a hold is signed by the party that places it and lapses within the charter's term",
                "停止措置は発動した当事者が署名し、憲章の期間内に失効します",
                "trust/hold.py",
            ),
            _RESOLVE,
        ),
        ClauseKind.JUDGED: (
            _gate(
                3,
                "the gate holds its snapshot under a lease, and denies when that lapses",
                "ゲートは期限付きのスナップショットで判断し、期限が切れれば拒否します",
                "gate/force.py",
            ),
        ),
        ClauseKind.RECORD: (
            _INTENT,
            _gate(
                11,
                "every way out after the intent writes an outcome",
                "実行前の記録の後は、どの終わり方でも結果が記録されます",
                "gate/record.py",
            ),
        ),
    }
)

_CALLS: Final = (Limit.UNGATED, Limit.LOGS_NOT_GIVEN, Limit.TIMES)
LIMITS: Final[Mapping[ClauseKind, tuple[Limit, ...]]] = MappingProxyType(
    {
        ClauseKind.QUORUM: (Limit.TIMES,),
        ClauseKind.LAB: (*_CALLS, Limit.LAB_CONDUCT),
        ClauseKind.MODELS: (*_CALLS, Limit.LAB_CONDUCT),
        ClauseKind.KINDS: (Limit.IDENTITY,),
        ClauseKind.TECHNIQUES: (*_CALLS, Limit.CONTENT),
        ClauseKind.VALID: _CALLS,
        ClauseKind.CONDITION: (Limit.PEOPLE,),
        ClauseKind.GRANTS: _CALLS,
        ClauseKind.BELONGING: (Limit.IDENTITY,),
        ClauseKind.SCOPE: (*_CALLS, Limit.IDENTITY, Limit.CONTENT),
        ClauseKind.BUDGETS: (*_CALLS, Limit.USAGE),
        ClauseKind.REVOCATIONS: _CALLS,
        ClauseKind.HOLDS: _CALLS,
        ClauseKind.JUDGED: _CALLS,
        ClauseKind.RECORD: _CALLS,
    }
)
