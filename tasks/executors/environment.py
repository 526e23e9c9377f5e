"""What a spider's process gets of our environment: little, and nothing secret of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NAMES = frozenset(
    {
        "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ",
        "USER", "VIRTUAL_ENV", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "DISPLAY",
        "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
        "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME",
        "SEARCH_SOURCES_DIR",
    }
)  # fmt: skip
# SPIDER_ is the administrator's way to hand something to spiders on purpose.
PREFIXES = ("AWS_", "LC_", "PLAYWRIGHT_", "SPIDER_", "SSL_CERT_")


def clean_environment(
    environment: Mapping[str, str], *, project: str, settings_module: str
) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if name in NAMES or name.startswith(PREFIXES)
    }
    kept["SPIDER_SCHEDULER_PROJECT"] = project
    if settings_module:
        kept["SCRAPY_SETTINGS_MODULE"] = settings_module
    return kept


def settings_module_of(project: Path, configured: str, base: Path) -> str:
    """Another project's own scrapy.cfg names its settings, unless somebody named others."""
    is_default = configured == "spiders.settings"
    is_foreign = project.resolve() != base.resolve()
    return "" if is_default and is_foreign and (project / "scrapy.cfg").exists() else configured
