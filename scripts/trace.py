#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trace requirements to design, code and tests (OpenFastTrace syntax; see reqs/README.md).

trace.py [--root DIR] [--html FILE] [--text FILE]

Prints one `file:line: error` for each defect and ends with 1 if there is one. Writes build/trace.html and
build/trace.txt.
[impl->dsn~trace-checker~1]
"""
import argparse
import html
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ID = r"([a-z]+)~([A-Za-z0-9.-]+)~(\d+)"
ITEM_LINE = re.compile(rf"^`{ID}`\s*$")
HEADING = re.compile(r"^#+\s+(.*?)\s*$")
FIELD = re.compile(r"^(Needs|Covers|Depends|Rationale|Comment|Status|Tags):\s*(.*)$")
TAG = re.compile(rf"\[([a-z]+)->((?:{ID})(?:\s*,\s*{ID})*)\]")
LOOSE_TAG = re.compile(r"\[(?:impl|utest|itest)\s*-+>")
REQUIREMENT_TYPES = ("req", "dsn")
CODE_TYPES = ("impl", "utest", "itest")
CODE_SUFFIXES = {".c", ".pml", ".h", ".S", ".ld", ".py", ".sh", ".yaml", ".dts", ".cmake", ".txt", ".json", ""}
CODE_FOLDERS = ("include", "hypervisor", "bootdomain", "toolstack", "tools", "guests", "boards", "examples",
                "tests", "scripts", "cmake")


@dataclass(frozen=True)
class Id:
    kind: str
    name: str
    revision: int

    def __str__(self):
        return f"{self.kind}~{self.name}~{self.revision}"


@dataclass
class Item:
    """One requirement or design item."""
    id: Id
    title: str
    file: str
    line: int
    text: str = ""
    needs: list = field(default_factory=list)
    covers: list = field(default_factory=list)
    covered_by: dict = field(default_factory=lambda: defaultdict(list))  # kind -> places or items


@dataclass(frozen=True)
class Tag:
    """A piece of code or a test that says what it covers."""
    kind: str
    target: Id
    file: str
    line: int


def parse_ids(text):
    return [Id(kind, name, int(revision)) for kind, name, revision in re.findall(ID, text)]


def parse_items(file, lines, errors):
    """Items of one Markdown file, in order."""
    items, title, item, section = [], "", None, "text"
    for number, line in enumerate(lines, 1):
        if heading := HEADING.match(line):
            title, item = heading[1], None
        elif found := ITEM_LINE.match(line):
            item = Item(Id(found[1], found[2], int(found[3])), title, file, number)
            section = "text"
            items.append(item)
        elif item is None:
            continue
        elif named := FIELD.match(line):
            section = named[1]
            add_field(item, section, named[2], number, errors)
        elif section == "Covers" and line.lstrip().startswith(("-", "*")):
            add_field(item, section, line, number, errors)
        elif section == "text":
            item.text += line + "\n"
    return items


def add_field(item, section, value, number, errors):
    if section == "Needs":
        item.needs += [kind.strip() for kind in value.split(",") if kind.strip()]
    elif section == "Covers" and value.strip():
        ids = parse_ids(value)
        if not ids:
            errors.append(f"{item.file}:{number}: error: no item id in `{value.strip()}`; write req~name~1")
        item.covers += ids


def parse_tags(file, lines, errors):
    """Coverage tags of one source file."""
    tags = []
    for number, line in enumerate(lines, 1):
        found = list(TAG.finditer(line))
        for tag in found:
            tags += [Tag(tag[1], target, file, number) for target in parse_ids(tag[2])]
        if len(LOOSE_TAG.findall(line)) > len(found):
            errors.append(f"{file}:{number}: error: malformed tag; write [impl" + "->dsn~name~1]")
    return tags


def read_tree(root, errors):
    items, tags = [], []
    for path in sorted((root / "reqs").glob("*.md")):
        if path.name != "README.md":
            items += parse_items(str(path.relative_to(root)), path.read_text().splitlines(), errors)
    for folder in CODE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = str(path.relative_to(root))
            if path.suffix in CODE_SUFFIXES and path.is_file():
                tags += parse_tags(name, path.read_text(errors="replace").splitlines(), errors)
    return items, tags


def check_items(items, errors):
    """Form of each item; index by id."""
    index = {}
    names = {}
    for item in items:
        place = f"{item.file}:{item.line}: error: {item.id}"
        if (item.id.kind, item.id.name) in names:
            other = names[item.id.kind, item.id.name]
            errors.append(f"{place} is defined twice, also at {other.file}:{other.line}")
            continue
        names[item.id.kind, item.id.name] = item
        index[item.id] = item
        if item.id.kind not in REQUIREMENT_TYPES:
            errors.append(f"{place} has the unknown type {item.id.kind}; types: {', '.join(REQUIREMENT_TYPES)}")
        if not item.needs:
            errors.append(f"{place} needs nothing; write `Needs: impl, utest` or what shows it")
        shalls = len(re.findall(r"\bshall\b", item.text))
        if shalls != 1:
            errors.append(f"{place} has {shalls} times `shall`; write one sentence with one")
        if item.id.kind == "dsn" and not item.covers:
            errors.append(f"{place} covers no requirement; write `Covers: req~name~1`")
    return index


def resolve(target, kind, place, index, errors):
    """The item that a tag or a Covers entry means, or None with the reason in errors."""
    item = index.get(target)
    if item is None:
        others = [i for i in index if (i.kind, i.name) == (target.kind, target.name)]
        why = f"is now revision {others[0].revision}; look at it again" if others else "does not exist"
        errors.append(f"{place}: error: {target} {why}")
    elif kind not in item.needs:
        errors.append(f"{place}: error: {target} does not ask for {kind} (needs: {', '.join(item.needs)})")
        item = None
    return item


def link(items, tags, index, errors):
    for item in items:
        for target in item.covers:
            above = resolve(target, item.id.kind, f"{item.file}:{item.line}", index, errors)
            if above:
                above.covered_by[item.id.kind].append(item)
    for tag in tags:
        place = f"{tag.file}:{tag.line}"
        if tag.kind not in CODE_TYPES:
            errors.append(f"{place}: error: unknown tag type {tag.kind}; types: {', '.join(CODE_TYPES)}")
            continue
        item = resolve(tag.target, tag.kind, place, index, errors)
        if item:
            item.covered_by[tag.kind].append(tag)
    for item in index.values():
        for kind in item.needs:
            if not item.covered_by[kind]:
                errors.append(f"{item.file}:{item.line}: error: {item.id} needs {kind}, nothing gives it")


def is_complete(item):
    """Covered here and below; Covers cannot form a cycle because dsn items only cover req items."""
    for kind in item.needs:
        if not item.covered_by[kind]:
            return False
        if not all(is_complete(below) for below in item.covered_by[kind] if isinstance(below, Item)):
            return False
    return True


def summary(index, tags, errors):
    lines = []
    for kind in REQUIREMENT_TYPES:
        items = [item for item in index.values() if item.id.kind == kind]
        complete = sum(is_complete(item) for item in items)
        lines.append(f"{kind}: {len(items)} items, {complete} complete")
    for kind in CODE_TYPES:
        lines.append(f"{kind}: {sum(tag.kind == kind for tag in tags)} tags")
    lines.append(f"defects: {len(errors)}")
    return lines


def html_cover(item):
    rows = []
    for kind in item.needs:
        covers = []
        for below in item.covered_by[kind]:
            if isinstance(below, Item):
                covers.append(f'<a href="#{below.id}">{below.id}</a>')
            else:
                covers.append(f"{html.escape(below.file)}:{below.line}")
        rows.append(f"<b>{kind}</b> " + (", ".join(covers) or '<span class="bad">missing</span>'))
    return "<br>".join(rows)


def write_html(path, items, index, tags, errors):
    body = ["<h1>Bulkhead: requirements, code, tests</h1>", "<ul>"]
    body += [f"<li>{line}</li>" for line in summary(index, tags, errors)] + ["</ul>"]
    if errors:
        body += ["<h2>Defects</h2><ul>"] + [f"<li>{html.escape(error)}</li>" for error in errors] + ["</ul>"]
    body.append("<table><tr><th>item</th><th>text</th><th>covers</th><th>covered by</th></tr>")
    for item in items:
        up = ", ".join(f'<a href="#{target}">{target}</a>' for target in item.covers)
        mark = "ok" if is_complete(item) else "bad"
        body.append(f'<tr id="{item.id}"><td class="{mark}">{item.id}<br><small>{item.file}:{item.line}</small></td>'
                    f"<td><b>{html.escape(item.title)}</b><br>{html.escape(item.text.strip())}</td>"
                    f"<td>{up}</td><td>{html_cover(item)}</td></tr>")
    style = ("body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #bbb;"
             "padding:4px 8px;vertical-align:top;text-align:left}.ok{background:#e5f5e5}.bad{background:#f8dcdc}")
    path.write_text(f"<!doctype html><meta charset=utf-8><title>Bulkhead trace</title><style>{style}</style>"
                    + "\n".join(body) + "</table>\n")


def trace(root):
    """(items, index, tags, errors) of the tree at root."""
    errors = []
    items, tags = read_tree(root, errors)
    index = check_items(items, errors)
    link(items, tags, index, errors)
    if not items:
        errors.append(f"{root}/reqs: error: no requirement found")
    return items, index, tags, errors


def main():
    parser = argparse.ArgumentParser(description="trace requirements to code and tests")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--text", type=Path)
    options = parser.parse_args()
    items, index, tags, errors = trace(options.root)
    build = options.root / "build"
    build.mkdir(exist_ok=True)
    write_html(options.html or build / "trace.html", items, index, tags, errors)
    report = errors + summary(index, tags, errors)
    (options.text or build / "trace.txt").write_text("\n".join(report) + "\n")
    print("\n".join(report))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
