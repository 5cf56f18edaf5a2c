"""What the weaknesses that engines name are called, and what mends them: the texts of a report's rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """A kind of flaw for people. `title`: MITRE's name, shortened; `cure`: what a fix usually looks like."""

    title: str
    cure: str


_NAMED = {
    "CWE-20": ("Input taken without validation", "Check form, range and size where the input comes in."),
    "CWE-22": (
        "Path leaves its folder",
        "Resolve the path, then check that it lies below the folder, part by part rather than by prefix.",
    ),
    "CWE-73": ("Outsider chooses the file", "Map the input to a name from a fixed list."),
    "CWE-74": ("Injection", "Hand over data as data, never as part of a command."),
    "CWE-77": ("Command injection", "Pass arguments as a list, without a shell."),
    "CWE-78": ("Operating system command injection", "Pass arguments as a list, without a shell."),
    "CWE-79": ("Cross-site scripting", "Escape for the place in the page where the text goes."),
    "CWE-88": ("Argument injection", "End the options with `--`, or refuse values that start with a dash."),
    "CWE-89": ("SQL injection", "Bind values as parameters; take names from a fixed list."),
    "CWE-90": ("LDAP injection", "Escape values for filters and names with the library's own function."),
    "CWE-94": ("Code injection", "Parse the input with a parser that cannot execute."),
    "CWE-95": ("Evaluated code injection", "Parse the input with a parser that cannot execute."),
    "CWE-113": ("Header injection", "Refuse line breaks in header values."),
    "CWE-117": ("Log injection", "Write the value as structured data, or without line breaks."),
    "CWE-200": ("Information exposed", "Send the value only to whom it belongs."),
    "CWE-295": ("Certificate not verified", "Leave verification on; add the missing root instead."),
    "CWE-327": ("Broken cryptography", "Use an algorithm that is current."),
    "CWE-347": ("Signature not verified", "Verify before the content is used, with a fixed list of algorithms."),
    "CWE-400": ("Resources without a limit", "Bound size, count and time."),
    "CWE-470": ("Outsider chooses class or function", "Look the name up in a fixed table."),
    "CWE-502": ("Untrusted data deserialised", "Use a format that holds data alone, such as JSON."),
    "CWE-601": ("Open redirect", "Allow addresses of this site only, compared after parsing."),
    "CWE-611": ("External XML entities", "Switch entities and external documents off in the parser."),
    "CWE-643": ("XPath injection", "Bind values as variables."),
    "CWE-776": ("XML entity expansion", "Switch entities off in the parser."),
    "CWE-798": ("Secret in the code", "Read the secret from where secrets are kept, and change it."),
    "CWE-918": ("Server-side request forgery", "Allow hosts from a fixed list, checked after resolving."),
    "CWE-943": ("Query injection", "Bind values as parameters."),
    "CWE-1333": ("Regular expression that backtracks", "Rewrite the expression, or bound the input."),
    "CWE-1336": ("Template injection", "Pass the input as a value, never as the template."),
}
WEAKNESSES: Mapping[str, Weakness] = MappingProxyType(
    {cwe: Weakness(title=title, cure=cure) for cwe, (title, cure) in _NAMED.items()}
)


def weakness_of(cwe: str) -> Weakness:
    """Return what `cwe` (written CWE-22) is called; its number where there is no name here."""
    return WEAKNESSES.get(cwe) or Weakness(title=cwe, cure=f"See MITRE's page on {cwe}.")
