"""How commands print error rates by kind of person."""

from typing import TYPE_CHECKING

from passerby.cli.console import note, output, print_table

if TYPE_CHECKING:
    from passerby.evaluation.bootstrap import Interval
    from passerby.evaluation.groups import GroupReport

_COLUMNS = ("attribute", "group", "people", "rank-1", "FRR", "FAR", "FAR among themselves")


def print_groups(groups: "GroupReport") -> None:
    """Print a table with a row for each group, and the large differences in words."""
    whose = f" of {groups.source}" if groups.source else ""
    note(
        f"error rates{whose} at the distance {groups.threshold:.4f}, by the group of the query, "
        "with 95 % intervals over its people"
    )
    rows = [
        (
            group.attribute,
            group.group,
            f"{group.people:,}",
            _rate(group.rank_1, 1),
            _rate(group.false_reject_rate, 1),
            _rate(group.false_accept_rate, 2),
            _rate(group.false_accept_rate_within, 2),
        )
        for group in groups.groups
    ]
    print_table(_COLUMNS, rows, numbers=_COLUMNS[2:])
    for sentence in groups.differences or ("No large difference between groups of ten people or more.",):
        output().print(sentence, markup=False, highlight=False)


def _rate(interval: "Interval | None", digits: int) -> str:
    if interval is None:
        return ""
    low, high = 100 * interval.low, 100 * interval.high
    return f"{interval.value:.{digits}%} [{low:.{digits}f}, {high:.{digits}f}]"
