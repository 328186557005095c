"""What masking a file came to, as JSON or one page of HTML: counts, and no text of the file."""

from collections.abc import Mapping
from typing import Any, Final

import jinja2

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Masked file</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>Masked file</h1>
<p>{{ report.records }} records, {{ report.texts }} texts. {{ report.characters_masked }} of
{{ report.characters }} characters were masked. A second scan found {{ report.residual }}.
The result is pseudonymised and best-effort de-identified, not anonymous in the GDPR's sense.</p>
<h2>By kind</h2>
<table><tr><th>Kind</th><th>Values</th></tr>
{% for kind, count in report.masked | dictsort %}
<tr><td>{{ kind }}</td><td class="number">{{ count }}</td></tr>
{% endfor %}</table>
<h2>By field</h2>
<table><tr><th>Field</th><th>Kind</th><th>Values</th></tr>
{% for field, kinds in report.masked_by_field | dictsort %}{% for kind, count in kinds | dictsort %}
<tr><td>{{ field }}</td><td>{{ kind }}</td><td class="number">{{ count }}</td></tr>
{% endfor %}{% endfor %}</table>
<h2>How</h2>
<table>
{% for name in others %}
<tr><td>{{ name | replace("_", " ") }}</td><td>{{ report[name] }}</td></tr>
{% endfor %}</table>
</body>
</html>
"""
_SHOWN_ABOVE: Final = frozenset(
    {"records", "texts", "characters", "characters_masked", "residual", "masked", "masked_by_field"}
)


def anonymised_file_page(report: Mapping[str, Any]) -> str:
    """The report as a page: no script, nothing fetched, every name escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    others = [name for name in report if name not in _SHOWN_ABOVE]
    return environment.from_string(_PAGE).render(report=report, others=others)
