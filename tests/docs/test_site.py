"""The site builds without warnings, loads nothing from outside, and has every page, name and picture."""

import importlib
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import yaml

LOADING = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
    "input": ("src",),
    "form": ("action",),
}
"""What makes a browser load something, unlike a link that the reader may follow."""


class Resources(HTMLParser):
    """Collects what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if value and name in LOADING.get(tag, ())]
        self.found += [value for name, value in attrs if name == "style" and value and "url(" in value]


def is_outside(address: str) -> bool:
    return re.match(r"\s*(https?:)?//", address) is not None


def test_pages_load_nothing_from_outside(site: Path) -> None:
    for page in site.rglob("*.html"):
        found = Resources(page.read_text(encoding="utf-8")).found
        assert found, page
        assert not [address for address in found if is_outside(address)], page


def test_styles_load_nothing_from_outside(site: Path) -> None:
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    for style in styles:
        addresses = re.findall(r"""url\(\s*["']?([^"')]+)""", style) + re.findall(
            r"""@import\s+["']([^"']+)""", style
        )
        assert not [address for address in addresses if is_outside(address)]


def test_every_page_of_the_folder_is_in_the_navigation(root: Path) -> None:
    settings = yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))

    def files(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        children = entry.values() if isinstance(entry, dict) else entry
        return [file for child in children for file in files(child)]

    folder = root / "docs"
    assert sorted(files(settings["nav"])) == sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.md"))


def test_every_public_name_is_on_the_page_of_the_api(site: Path, root: Path) -> None:
    html = (site / "api.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'id="(passerby[^"]*)"', html))
    modules = re.findall(r"^::: (\S+)", (root / "docs/api.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert modules
    for module in modules:
        content = importlib.import_module(module)
        for name, value in vars(content).items():
            is_own = (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module
            if is_own and not name.startswith("_"):
                assert f"{module}.{name}" in anchors, f"{module}.{name} is not documented; give it a docstring"


def test_names_of_the_packages_are_documented(pages: dict[str, str], site: Path) -> None:
    anchors = set(re.findall(r'id="passerby[^"]*\.([^".]+)"', (site / "api.html").read_text(encoding="utf-8")))
    for package in (
        "passerby",
        "passerby.data",
        "passerby.gallery",
        "passerby.losses",
        "passerby.models.backbones",
        "passerby.synthetic",
    ):
        for name in importlib.import_module(package).__all__:
            assert name in anchors or f"`{package}.{name}`" in pages["docs/api.md"], f"{package}.{name}"


def test_links_between_pages_lead_somewhere(pages: dict[str, str], root: Path) -> None:
    for page, text in pages.items():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if not re.match(r"https?://|mailto:", target):
                assert ((root / page).parent / target).exists(), f"{page} links to {target}"


def test_every_picture_is_shown_and_small(pages: dict[str, str], root: Path) -> None:
    for picture in (root / "docs/images").iterdir():
        assert any(f"images/{picture.name})" in text for text in pages.values()), picture.name
        assert picture.stat().st_size <= 400 * 1024, picture.name
