"""`pp guards`: what is looked at when a delivery is about to go, and for which kinds of deliveries it holds."""

from typing import get_args

from pp_pipeline.commands.output import out, print_json, print_line, print_table
from pp_pipeline.sending.guards import GUARDS, DeliveryKind

KINDS: tuple[DeliveryKind, ...] = get_args(DeliveryKind)


def show_guards(as_json: bool) -> int:
    """Print the table of guards."""
    if as_json:
        print_json(
            [
                {"guard": guard.name, **{kind: guard.acts_on(kind) for kind in KINDS}, "about": guard.about}
                for guard in GUARDS
            ]
        )
        return 0
    print_table(
        "Guards, in the order in which they are asked",
        ["guard", *KINDS],
        [[guard.name, *(guard.acts_on(kind) for kind in KINDS)] for guard in GUARDS],
    )
    out.print()
    print_table("When each of them holds", ["guard", "holds when"], [[guard.name, guard.about] for guard in GUARDS])
    print_line("What each of them is set by: docs/guards.md.", "dim")
    return 0
