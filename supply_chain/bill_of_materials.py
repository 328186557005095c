"""Makes cyclonedx-py's list of what is installed into the project's bill of materials.

    cyclonedx-py environment ... -o - | python supply_chain/bill_of_materials.py FILE

The same environment gives the same bytes: no time, no serial number, no address of the machine or
of a registry. Prints how many components bear which licence, and ends with 1 where one bears a
licence that is neither permissive nor weak copyleft: that is for a person to look at.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PERMISSIVE: Final = (
    "0BSD", "Apache", "BSD", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "PSF", "Python", "Unlicense",
    "Zlib", "ZPL", "HPND", "LicenseRef-scancode-public-domain",
)  # fmt: skip
WEAK_COPYLEFT: Final = ("LGPL", "Lesser General Public", "MPL", "Mozilla Public")
"""Used as they are, unmodified and as packages of their own: nothing more is asked of us."""

NOT_DECLARED: Final = "not declared"
_LEFT_OUT: Final = frozenset({"externalReferences", "serialNumber", "timestamp", "bom-ref-source"})


def main(arguments: list[str]) -> int:
    """Reads standard input, writes the file, prints the licences."""
    (target,) = arguments
    bill = without_addresses(json.load(sys.stdin))
    Path(target).write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    found = Counter(licence for each in bill["components"] for licence in licences(each))
    for licence, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{count:5}  {licence}")
    strange = [
        f"{each['name']} {each['version']}: {licence}"
        for each in bill["components"]
        for licence in licences(each)
        if not is_known(licence)
    ]
    for line in strange:
        print(f"LOOK AT  {line}")
    print(f"{target}: {len(bill['components'])} components")
    return 1 if strange else 0


def without_addresses(value: Any) -> Any:
    """The document without what differs between machines or names a registry."""
    if isinstance(value, dict):
        return {key: without_addresses(v) for key, v in value.items() if key not in _LEFT_OUT}
    return [without_addresses(each) for each in value] if isinstance(value, list) else value


def licences(component: dict[str, Any]) -> Iterator[str]:
    """What the component declares, classifiers shortened; `not declared` where it is nothing."""
    declared = component.get("licenses") or []
    for each in declared:
        licence = each.get("license", {})
        told = each.get("expression") or licence.get("id") or licence.get("name") or NOT_DECLARED
        yield str(told).removeprefix("License :: ").removeprefix("OSI Approved :: ")
    if not declared:
        yield NOT_DECLARED


def is_known(licence: str) -> bool:
    """Whether somebody has looked at it; of an expression, at every part."""
    if licence in {NOT_DECLARED, "OSI Approved"}:
        return True  # told in the summary; its file of licences lies in the package itself
    parts = licence.replace("(", " ").replace(")", " ").replace(" AND ", " OR ").split(" OR ")
    return all(
        any(part.strip().startswith(name) for name in PERMISSIVE)
        or any(name in part for name in WEAK_COPYLEFT)
        or any(name in licence for name in WEAK_COPYLEFT)
        for part in parts
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
