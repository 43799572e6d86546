"""Files and folders."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from pypdf import PdfWriter

from chains.corpora import apart, files, loaders, office
from chains.corpora.apart import Apart
from chains.corpora.document import Document
from chains.corpora.files import read_files
from connector.errors import ConfigurationError


def read(
    path: Path, unreadable: list[str] | None = None, base_url: str = "", notes: list[str] | None = None
) -> list[Document]:
    broken, told = ([] if given is None else given for given in (unreadable, notes))
    return list(read_files(path, corpus="town", unreadable=broken, notes=told, base_url=base_url))


def one(path: Path) -> Document:
    (found,) = read(path)
    return found


def pdf(*pages: Sequence[str], title: str = "") -> bytes:
    """A PDF with these lines on its pages, written by hand: what a printer needs and no more."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    kids = []
    for page in pages:
        text = "".join(f"({line}) Tj T* " for line in page)
        stream = f"BT /F1 12 Tf 14 TL 50 700 Td {text}ET"
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(f"<</Type/Page/Parent 2 0 R/Contents {len(objects) + 2} 0 R/Resources<</Font<</F1 3 0 R>>>>>>")
        objects.append(f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream")
    objects[1] = f"<</Type/Pages/MediaBox[0 0 600 800]/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    objects.append(f"<</Title({title})/ModDate(D:20240229120000Z)>>")
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer<</Size {size}/Root 1 0 R/Info {size - 1} 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return body + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("TYPES", "[Content_Types]") + ".xml", content)
    return path


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(path: Path, body: str, **more: str) -> Path:
    styles = f'<w:styles {WORD}><w:style w:type="paragraph" w:styleId="Titre1"><w:name w:val="heading 1"/></w:style>'
    return zipped(
        path,
        word__document=f"<w:document {WORD}><w:body>{body}</w:body></w:document>",
        word__styles=f"{styles}</w:styles>",
        **more,
    )


def run(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def heading(text: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="Titre1"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'


def odt(path: Path, body: str, **more: str) -> Path:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = f'xmlns:o="{names}:office:1.0" xmlns:text="{names}:text:1.0" xmlns:table="{names}:table:1.0"'
    return zipped(path, content=f"<o:document-content {spaces}><o:body>{body}</o:body></o:document-content>", **more)


def test_a_pdf_is_read_page_by_page_and_lines_that_its_width_cut_are_joined(tmp_path: Path) -> None:
    content = pdf(["La redevance est due", "par l’occupant du loge-", "ment."], title="Règlement")
    (tmp_path / "a.pdf").write_bytes(content)
    found = one(tmp_path)
    assert (found.title, found.date, found.url) == ("Règlement", date(2024, 2, 29), "a.pdf")
    assert found.passages[0].path == ("Page 1",)
    assert found.passages[0].text == "La redevance est due par l'occupant du logement."


def test_what_stands_on_top_of_every_page_of_a_pdf_is_no_text(tmp_path: Path) -> None:
    texts = ("Un texte.", "Deux textes.", "Trois textes.", "Quatre textes.")
    pages = [["Ville de Test", f"page {n}/4", text, "autre", "pied", "fin"] for n, text in enumerate(texts, start=1)]
    (tmp_path / "a.pdf").write_bytes(pdf(*pages))
    text = one(tmp_path).text
    assert all(found in text for found in texts)
    assert "Ville de Test" not in text
    assert "page 2/4" not in text


def test_the_headings_of_a_page_are_paths_and_its_title_is_not_said_twice(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<title>Guide</title><h1>Guide</h1><h2>Prix</h2><p>Gratuit.</p>")
    found = one(tmp_path)
    assert (found.title, found.passages[0].path) == ("Guide", ("Prix",))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_text_and_pages_are_read_in_the_encodings_that_there_are(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("L’été à 20 €".encode(encoding))
    (tmp_path / "b.html").write_bytes('<meta charset="iso-8859-1">Été'.encode("iso-8859-1"))
    assert [document.passages[0].text for document in read(tmp_path)] == ["L'été à 20 €", "Été"]


def test_markdown_keeps_its_headings_lists_and_tables_and_loses_its_signs(tmp_path: Path) -> None:
    table = "| Âge | Prix |\n|---|---|\n| 18 | **25 €** |"
    (tmp_path / "a.md").write_text(f"# Piscine\n\n## Tarifs\n\n- [plein](https://t.test)\n\n{table}\n")
    found = one(tmp_path)
    assert (found.title, found.passages[0].path) == ("Piscine", ("Tarifs",))
    assert found.passages[0].text == "- plein\nÂge | Prix\n18 | 25 €"


def test_a_table_of_text_is_read_row_by_row_with_its_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("Service;Téléphone;Note\nPiscine;01 02;\n".encode("cp1252"))
    assert one(tmp_path).passages[0].text == "Service: Piscine ; Téléphone: 01 02"


def test_a_docx_keeps_its_headings_whatever_the_language_of_its_styles(tmp_path: Path) -> None:
    about = (
        '<c xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/">'
        "<dc:title>Délibération</dc:title><t:modified>2023-05-04T10:00:00Z</t:modified></c>"
    )
    docx(tmp_path / "a.docx", heading("Article 1") + run("Le tarif est de 3 €."), docProps__core=about)
    found = one(tmp_path)
    assert (found.title, found.date) == ("Délibération", date(2023, 5, 4))
    assert (found.passages[0].path, found.passages[0].text) == (("Article 1",), "Le tarif est de 3 €.")


def test_an_odt_keeps_its_headings_items_and_tables(tmp_path: Path) -> None:
    row = "<table:table-row>{}</table:table-row>"
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    odt(
        tmp_path / "a.odt",
        '<text:h text:outline-level="1">Prix</text:h><text:p>Il faut<text:s/>payer&#160;<text:span>3 €</text:span>.'
        "<text:note>Note de bas de page</text:note></text:p>"
        "<text:list><text:list-item><text:p>en ligne</text:p></text:list-item></text:list>"
        f"<table:table>{row.format(cell.format('Âge') + cell.format('Prix'))}</table:table>",
        meta='<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:date>2022-01-31</dc:date></m>',
    )
    found = one(tmp_path)
    assert (found.title, found.date, found.passages[0].path) == ("a", date(2022, 1, 31), ("Prix",))
    assert found.passages[0].text == "Il faut payer 3 €.\n- en ligne\nÂge | Prix"


def test_the_place_in_the_folder_is_the_id_the_theme_and_the_end_of_the_address(tmp_path: Path) -> None:
    (tmp_path / "Voirie" / "2024").mkdir(parents=True)
    (tmp_path / "Voirie" / "2024" / "note_de-service été.txt").write_text("Un texte.")
    (found,) = read(tmp_path, base_url="https://town.test/docs/")
    assert found.id == "town:Voirie/2024/note_de-service été.txt"
    assert found.url == "https://town.test/docs/Voirie/2024/note_de-service%20%C3%A9t%C3%A9.txt"
    assert (found.title, found.theme, found.corpus) == ("note de service été", "Voirie", "town")


def test_one_file_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Un texte.")
    (tmp_path / "b.txt").write_text("Un autre.")
    assert one(tmp_path / "a.txt").id == "town:a.txt"


def test_hidden_files_and_links_that_lead_out_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside / ".git", outside):
        folder.mkdir(parents=True)
        (folder / "secret.txt").write_text("Un secret.")
    (inside / "a.txt").write_text("Un texte.")
    (inside / "~$a.txt").write_text("Un verrou.")
    (inside / "b.txt").symlink_to(outside / "secret.txt")
    (inside / "c").symlink_to(outside, target_is_directory=True)
    (inside / "d.txt").symlink_to(inside / "missing.txt")
    os.mkfifo(inside / "e.txt")
    assert [document.id for document in read(inside)] == ["town:a.txt"]


def test_a_title_that_a_program_gave_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "arrêté 12.pdf").write_bytes(pdf(["Un texte."], title="Microsoft Word - doc1.docx"))
    assert one(tmp_path).title == "arrêté 12"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", b"%PDF-1.4\nnothing", "it is broken"),
        ("a.pdf", b"", "it is broken"),
        ("a.docx", b"PK\x03\x04", "not a zip"),
        ("a.docx", b"\xd0\xcf\x11\xe0" * 100, "not a zip"),
        ("a.odt", b"", "not a zip"),
        ("a.html", b"<div>" * 50_000, "nested too deeply"),
    ],
)
def test_a_broken_file_is_named_with_the_reason_and_the_others_are_read(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.txt").write_text("Un texte.")
    unreadable: list[str] = []
    assert [document.id for document in read(tmp_path, unreadable)] == ["town:z.txt"]
    assert len(unreadable) == 1
    assert unreadable[0].startswith(f"{name}: ")
    assert reason in unreadable[0]


def test_an_encrypted_pdf_says_that_it_is(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(pdf(["Un secret."])))
    writer.encrypt("sesame", algorithm="RC4-128")
    writer.write(tmp_path / "a.pdf")
    unreadable: list[str] = []
    assert read(tmp_path, unreadable) == []
    assert unreadable == ["a.pdf: it is encrypted"]


def test_a_zip_that_unpacks_to_too_much_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "MAX_UNPACKED", 100_000)
    docx(tmp_path / "a.docx", run("a" * 200_000))
    assert (tmp_path / "a.docx").stat().st_size < 10_000
    with pytest.raises(ValueError, match="it unpacks to more than 100000 bytes"):
        office.load_docx(tmp_path / "a.docx")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize("member", ["word/document.xml", "content.xml", "word/part.png", "docProps/core.xml"])
@pytest.mark.parametrize(
    "bomb",
    [BOMB, f"<!--{'x' * 5000}-->{BOMB}", BOMB.encode("utf-16"), BOMB.encode("utf-16-be")],
    ids=["plain", "after a comment", "UTF-16", "UTF-16 without mark"],
)
def test_xml_that_declares_entities_is_not_parsed_wherever_it_stands(
    member: str, bomb: str | bytes, tmp_path: Path
) -> None:
    for name, load in (("a.docx", office.load_docx), ("a.odt", office.load_odt)):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, bomb)
        with pytest.raises(ValueError, match="declares a document type"):
            load(tmp_path / name)


@pytest.mark.parametrize("member", ["word/document.xml", "word/part.png", "content.xml"])
def test_xml_that_is_too_long_is_not_parsed_and_an_image_may_be(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "MAX_XML", 10_000)
    monkeypatch.setattr(office, "MAX_NODES", 100)
    path = docx(tmp_path / "a.docx", run("Un texte."))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("word/media/image1.png", b"\x89PNG\r\n" + bytes(20_000))
    assert office.load_docx(path).sections
    for content, reason in (
        (f"<x>{'a' * 10_000}</x>", "more than 10000 bytes"),
        (nodes(101), "more than 100 elements"),
    ):
        path = tmp_path / "b.docx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
        with pytest.raises(ValueError, match=reason):
            office.load_docx(path)


def nodes(number: int) -> str:
    return f"<x>{'<y/>' * (number - 1)}</x>"


def test_a_file_that_keeps_its_parser_busy_is_named_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "endless.docx")
    docx(tmp_path / "b.docx", run("Un texte."))
    with closing(Apart()) as reader:
        assert reader(tmp_path / "b.docx").sections
        with monkeypatch.context() as patched:
            patched.setattr(apart, "MAX_SECONDS", 1.0)
            with pytest.raises(ValueError, match="it cannot be read within 1 seconds"):
                reader(tmp_path / "endless.docx")
        assert reader(tmp_path / "b.docx").sections
        assert reader.pid
        os.kill(reader.pid, signal.SIGKILL)
        with pytest.raises(ValueError, match="has crashed"):
            reader(tmp_path / "b.docx")
        assert reader(tmp_path / "b.docx").sections
    assert reader.pid is None


def test_a_script_of_three_lines_may_read_files_and_ours_gives_its_secrets_to_no_parser(tmp_path: Path) -> None:
    docx(tmp_path / "a.docx", run("Un texte."))
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; from pathlib import Path; from chains.corpora.apart import Apart\n"
        "reader = Apart(); print(reader(Path(sys.argv[1])).sections)\n"
        "print(b'sesame' in Path(f'/proc/{reader.pid}/environ').read_bytes())\n"
    )
    environ = os.environ | {"GREFFIER_CHAT__KEY": "sesame", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(tmp_path / "a.docx")]
    told = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    assert "Un texte." in told
    assert told.endswith("False\n")


def test_a_file_that_takes_too_much_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MAX_MEMORY", 40 * 1024 * 1024)
    docx(tmp_path / "a.docx", run("mot " * 3_000_000))
    unreadable: list[str] = []
    assert read(tmp_path, unreadable) == []
    assert unreadable == ["a.docx: it takes too much memory"]


def test_a_file_over_the_limits_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    monkeypatch.setattr(files, "MAX_CHARS", 100)
    (tmp_path / "a.txt").write_text("a" * 2000)
    (tmp_path / "b.txt").write_text("a" * 500)
    unreadable: list[str] = []
    assert read(tmp_path, unreadable) == []
    assert unreadable == ["a.txt: it has more than 1000 bytes", "b.txt: its text has more than 100 characters"]


def test_a_long_pdf_and_a_long_table_are_read_up_to_the_limit_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "MAX_PAGES", 2)
    monkeypatch.setattr(loaders, "MAX_ROWS", 1)
    (tmp_path / "a.pdf").write_bytes(pdf(["Un."], ["Deux."], ["Trois."]))
    (tmp_path / "a.csv").write_text("Nom,Prix\nUn,1\nDeux,2\n")
    for name, cut in (("a.pdf", "cut after 2 pages"), ("a.csv", "cut after 1 rows")):
        loaded = loaders.LOADERS[tmp_path.joinpath(name).suffix](tmp_path / name)
        assert loaded.cut == cut
        assert "Un" in str(loaded.sections)
        assert loaded.sections[-1].path in (("Page 2",), ())
    monkeypatch.setattr(loaders, "MAX_PAGES", 3)
    assert not loaders.load_pdf(tmp_path / "a.pdf").cut
    notes: list[str] = []
    (tmp_path / "a.pdf").unlink()
    assert len(read(tmp_path, notes=notes)) == 1
    assert notes == ["a.csv: cut after 1 rows"]


def test_a_scan_without_text_and_a_format_that_is_not_read_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf([]))
    (tmp_path / "b.xlsx").write_bytes(b"PK")
    unreadable: list[str] = []
    notes: list[str] = []
    assert read(tmp_path, unreadable, notes=notes) == []
    assert unreadable == []
    assert notes == [
        "a.pdf: it holds no text; a scanned page needs character recognition first",
        "b.xlsx: save it as CSV",
    ]
    assert all(note in caplog.text for note in notes)


def test_lines_that_go_on_for_ever_take_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mot\n" * 300_000)
    start = time.monotonic()
    assert one(tmp_path).passages[0].text.startswith("mot mot mot")
    assert time.monotonic() - start < 10


def test_what_a_database_refuses_is_in_no_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Un\0 texte.")
    (tmp_path / "b.csv").write_bytes(b"No\0m,Prix\nU\0n,1\n")
    (tmp_path / "c.html").write_bytes(b"<title>Ti\0tre</title><h2>S\0ous</h2><p>a\0b</p>")
    (tmp_path / "d.md").write_bytes(b"# Ti\0tre\n\n## S\0ous\n\na\0b\n")
    (tmp_path / "e.pdf").write_bytes(pdf(["Un \\000texte."], title="Ti\\000tre"))
    odt(tmp_path / "f.odt", "<text:p>Un texte.</text:p>")
    found = read(tmp_path)
    assert len(found) == 6
    for document in found:
        paths = ["".join(passage.path) for passage in document.passages]
        assert "\0" not in "".join([document.id, document.title, document.url, document.theme, document.text, *paths])


def test_a_name_that_is_not_in_utf_8_is_told_in_letters_that_can_be_kept(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9t\xe9.txt")).write_text("Un texte.")
    unreadable: list[str] = []
    assert read(tmp_path, unreadable) == []
    assert unreadable == [r"\udce9t\udce9.txt: its name is not in UTF-8"]


def test_a_folder_without_any_such_file_is_an_error_that_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=r"\.pdf, \.html"):
        read(tmp_path)
    with pytest.raises(ConfigurationError, match="does not exist"):
        read(tmp_path / "missing")


def test_the_loaders_library_is_not_imported_before_a_file_needs_it() -> None:
    code = "import sys, chains.corpora.files; sys.exit('langchain_community' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
