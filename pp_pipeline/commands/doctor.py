"""`pp doctor`: is this installation sound, and may its mails be believed?"""

from rich.text import Text

from pp_pipeline.commands.output import counted, err, guarded, print_json, print_line, print_table
from pp_pipeline.doctor.dns import Dns, read_nameserver
from pp_pipeline.doctor.examining import examine
from pp_pipeline.doctor.finding import Finding
from pp_pipeline.settings import Settings, SettingsError

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "not_asked": "dim"}


@guarded
def run_doctor(nameserver: str, as_json: bool) -> int:
    """Look at everything, print what was found and what to do. Returns 1 if something fails."""
    settings = Settings.from_environment()
    if nameserver:
        try:
            read_nameserver(nameserver)
        except ValueError:
            raise SettingsError("--nameserver is no address; write one such as 192.0.2.53 or 127.0.0.1:5353") from None
    with err.status("looking at everything ..."):
        findings = list(examine(settings, Dns(nameserver).texts))
    if as_json:
        print_json([vars(each) for each in findings])
    else:
        _print(findings)
    return 1 if any(each.state == "fail" for each in findings) else 0


def _print(findings: list[Finding]) -> None:
    rows = [
        [each.what, Text(each.state.replace("_", " "), style=_STYLES[each.state]), each.detail] for each in findings
    ]
    print_table("What was looked at", ["what", "state", "what is so"], rows)
    for each in findings:
        if each.fix:
            print_line(f"{each.what}: {each.fix}", _STYLES[each.state])
    failed = sum(each.state == "fail" for each in findings)
    warned = sum(each.state == "warn" for each in findings)
    print_line(f"{counted(failed, 'failure', 'failures')}, {counted(warned, 'warning', 'warnings')}.", "bold")
