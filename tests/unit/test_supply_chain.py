"""The audit says what it was told, and loudest where it was told nothing; the bill is the same."""

import importlib.util
import io
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["1.2", "2.0"]}


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "supply_chain" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


audit, bill = module("audit"), module("bill_of_materials")


@pytest.fixture
def pip_audit(tmp_path):
    """Makes a program that answers for each package as told, like pip-audit in form and codes."""

    def made(answers: dict[str, object], *, default: object = "known", says: str = "") -> str:
        program = tmp_path / "pip-audit"
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, re, sys\n"
            f"answers, default, says = {answers!r}, {default!r}, {says!r}\n"
            "lock = sys.argv[sys.argv.index('--requirement') + 1]\n"
            f"open({str(tmp_path / 'asked')!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
            "if says: sys.exit(says)\n"
            "told = []\n"
            "for name, version in re.findall(r'^(\\S+?)==([^\\s;]+)', open(lock).read(), re.M):\n"
            "    answer = answers.get(name, default)\n"
            "    if answer == 'unknown': told.append({'name': name, 'skip_reason': 'not found'})\n"
            "    elif answer == 'known':\n"
            "        told.append({'name': name, 'version': version, 'vulns': []})\n"
            "    else: told.append({'name': name, 'version': version, 'vulns': answer})\n"
            "print(json.dumps({'dependencies': told, 'fixes': []}))\n"
            "sys.exit(any(one.get('vulns') for one in told))\n"
        )
        program.chmod(0o700)
        return str(program)

    return made


@pytest.fixture
def lock(tmp_path) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text("".join(f"{name}==1.{n} \\\n    --hash=sha256:{n}\n" for n, name in NAMES))
    return file


NAMES = tuple(enumerate(("alpha", "beta", "gamma")))


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


def test_nothing_known_of_any_package_is_a_clean_answer(pip_audit, lock, capsys):
    assert audit.main(["--pip-audit", pip_audit({}), str(lock)]) == 0
    assert f"{lock}: 3 packages looked up, 0 vulnerabilities" in capsys.readouterr().out


@pytest.mark.parametrize("flags", [[], ["--tolerate-silence"]])
def test_a_vulnerability_fails_and_is_named_with_its_remedy(pip_audit, lock, capsys, flags):
    program = pip_audit({"beta": [FLAW], "gamma": "unknown"})
    assert audit.main([*flags, "--pip-audit", program, str(lock)]) == 1
    told = capsys.readouterr().out
    assert "VULNERABLE  beta 1.1: PYSEC-2026-1, mended in 1.2, 2.0" in told
    assert "NOT KNOWN   gamma" in told


@pytest.mark.parametrize(
    ("default", "says"), [("unknown", ""), ("known", "Name or service not known")]
)
@pytest.mark.parametrize(("flags", "code"), [([], 2), (["--tolerate-silence"], 0)])
def test_silence_is_never_taken_for_a_clean_answer(
    pip_audit, lock, capsys, tmp_path, default, says, flags, code
):
    program = pip_audit({}, default=default, says=says)
    assert audit.main([*flags, "--pip-audit", program, str(lock)]) == code
    captured = capsys.readouterr()
    assert "THE VULNERABILITY SERVICE COULD NOT BE ASKED" in captured.err
    assert "0 vulnerabilities" not in captured.out
    # Of a service that does not answer for one package no other is asked.
    assert len(asked(tmp_path)) == 1


def test_a_program_that_is_not_there_is_silence(lock, tmp_path, capsys):
    assert audit.main(["--pip-audit", str(tmp_path / "none"), str(lock)]) == 2
    assert "did not run" in capsys.readouterr().err


def test_a_package_that_the_service_does_not_know_is_no_clean_answer(pip_audit, lock, capsys):
    assert audit.main(["--pip-audit", pip_audit({"beta": "unknown"}), str(lock)]) == 2
    assert "NOT KNOWN   beta" in capsys.readouterr().out


def test_options_behind_two_dashes_reach_pip_audit(pip_audit, lock, tmp_path):
    arguments = ["--pip-audit", pip_audit({}), str(lock), "--", "--ignore-vuln", "PYSEC-1"]
    assert audit.main(arguments) == 0
    assert asked(tmp_path)[-1].endswith("--ignore-vuln PYSEC-1")
    assert all("--disable-pip --no-deps" in line for line in asked(tmp_path))


def test_every_lock_is_pinned_and_hashed_and_names_no_index():
    assert {file.name for file in LOCKS} == {
        f"requirements{name}.lock"
        for name in ("", "-audit", "-deploy", "-fuzz", "-presidio", "-spark")
    }
    for file in LOCKS:
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        for block in re.split(r"\n(?=\S)", text.strip()):
            pinned, *hashes = block.splitlines()
            assert re.match(r"[A-Za-z0-9._\[\],-]+==\S+", pinned), pinned
            assert hashes, pinned
            assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}", one) for one in hashes), pinned


def test_the_tools_of_the_audit_are_not_the_products():
    product = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"^(pip-audit|cyclonedx-bom)==", product, re.MULTILINE)


BILL = {
    "bomFormat": "CycloneDX",
    "serialNumber": "urn:uuid:1",
    "metadata": {"timestamp": "2026-11-22", "tools": [{"externalReferences": [{"url": "a"}]}]},
    "components": [
        {"name": "alpha", "version": "1", "licenses": [{"license": {"id": "MIT"}}],
         "externalReferences": [{"type": "distribution", "url": "https://registry.example/alpha"}]},
        {"name": "beta", "version": "2", "licenses": [{"expression": "MIT OR GPL-3.0-only"}]},
        {"name": "gamma", "version": "3"},
    ],
}  # fmt: skip


def written(document: object, target: Path, monkeypatch) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(document)))
    return bill.main([str(target)])


def test_the_bill_has_no_address_and_no_time_and_is_the_same_twice(tmp_path, monkeypatch, capsys):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert written(BILL, one, monkeypatch) == 1
    written({**BILL, "serialNumber": "urn:uuid:2"}, two, monkeypatch)
    text = one.read_text()
    assert one.read_bytes() == two.read_bytes()
    assert "://" not in text
    assert "2026" not in text
    assert [each["name"] for each in json.loads(text)["components"]] == ["alpha", "beta", "gamma"]
    told = capsys.readouterr().out
    assert "LOOK AT  beta 2: MIT OR GPL-3.0-only" in told
    assert "    1  not declared" in told


@pytest.mark.parametrize(
    ("licence", "known"),
    [
        ("MIT", True), ("BSD License", True), ("Apache-2.0 AND CNRI-Python", True),
        ("LGPL-3.0-only", True), ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GNU Library or Lesser General Public License (LGPL)", True), ("not declared", True),
        ("GPL-3.0-only", False), ("AGPL-3.0-or-later", False), ("Proprietary", False),
        ("MIT AND AGPL-3.0-only", False), ("GNU General Public License v3 (GPLv3)", False),
        ("SSPL-1.0", False), ("BUSL-1.1", False),
    ],
)  # fmt: skip
def test_a_licence_that_asks_for_more_is_told(licence, known):
    assert bill.is_known(licence) is known
