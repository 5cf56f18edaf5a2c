"""What lies beside an exported ledger for whoever opens the folder, in English and Japanese."""

from collections.abc import Sequence
from typing import Final

_TEXT: Final = """\
This folder holds a copy of a Sekisho ledger.
このフォルダーには、Sekisho の台帳の写しが入っています。

  ledger/           the logs: checkpoints, tiles, entries
                    ログ本体（チェックポイント、タイル、記録）
{files}  MANIFEST.sha256   the SHA-256 of every other file
                    他のすべてのファイルの SHA-256

It shows when and how much institutions call. It is for the parties, the members and their auditors:
give outsiders the output of `sekisho ledger figures` instead.
各機関がいつ、どれだけモデルを呼び出したかが分かります。当事者、参加機関とその監査人のためのものです。
外部の方には、代わりに `sekisho ledger figures` の出力をお渡しください。

To verify, on a machine with Sekisho installed, in this folder. No network is needed.
検証するには、Sekisho を導入した端末で、このフォルダーに移動して次を実行してください。ネットワーク接続は不要です。

  {command}

Exit 0 and "{verdict}": verified. Exit 1: something is wrong, and the output says what and where.
終了コードが 0 で "{verdict}" と表示されれば、検証は成功です。
終了コードが 1 の場合は問題があり、その内容と場所が表示されます。

{advice}
MANIFEST.sha256 only shows whether this copy came over whole:
MANIFEST.sha256 は、写しが欠けずに届いたことだけを示します。

  sha256sum -c MANIFEST.sha256
"""
_PINNED: Final = """\
The charter in this folder came with the copy. Compare its digest with the parties, by another way, before you trust it:
同梱の憲章は、この写しと一緒に届いたものです。信頼する前に、別の経路で当事者とダイジェストを照合してください。

  sekisho document show charter.json
"""
_UNPINNED: Final = """\
No charter is in this folder. Get it from the parties and add --charter FILE: without it nobody can say whose log it is.
憲章は同梱されていません。当事者から受け取り、--charter FILE を付けて検証してください。
憲章がなければ、誰のログであるかは確かめられません。
"""


def readme(logs: Sequence[str] | None, *, has_charter: bool, has_policy: bool) -> bytes:
    """Return the text of README.txt. `logs`: the logs that were chosen, None for all of the ledger."""
    files = "".join(
        text
        for text, is_there in (
            ("  charter.json      the pinned charter\n                    固定された憲章\n", has_charter),
            ("  policy.txt        whose cosignatures are needed\n                    必要な連署の条件\n", has_policy),
        )
        if is_there
    )
    options = [
        *(["--charter charter.json"] if has_charter else []),
        *(["--policy policy.txt"] if has_policy else []),
        *(f"--log {log}" for log in logs or ()),
    ]
    verdict = "verified, with the key of the pinned charter" if has_charter else "self-consistent only"
    return _TEXT.format(
        files=files,
        command=" ".join(["sekisho ledger verify ledger", *options]),
        verdict=verdict,
        advice=_PINNED if has_charter else _UNPINNED,
    ).encode()
