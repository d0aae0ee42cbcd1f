use super::*;
use portion::Scheme::Ipynb;

const BOOK: &str = r##"{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "intro",
   "metadata": {},
   "source": [
    "# Title\n",
    "\n",
    "Some *text*."
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 3,
   "id": "a1",
   "metadata": {"tags": ["x"]},
   "outputs": [{"name": "stdout", "output_type": "stream", "text": ["1\n"]}],
   "source": "print(1)\nprint(2)"
  }
 ],
 "metadata": {"kernelspec": {"name": "python3"}},
 "nbformat": 4,
 "nbformat_minor": 5
}
"##;

#[test]
fn sources_by_id() {
    get(Ipynb, BOOK, "cell:intro", "# Title\n\nSome *text*.");
    get(Ipynb, BOOK, "cell:a1", "print(1)\nprint(2)");
    get(Ipynb, BOOK, "/metadata/kernelspec/name", "\"python3\"");
    get(Ipynb, BOOK, "/cells/1/execution_count", "3");
    listed(Ipynb, BOOK, &[("cell:intro", 3, 12), ("cell:a1", 13, 20)]);
    let fragment = portion::get(Ipynb, BOOK.as_bytes(), "cell:a1").unwrap();
    assert_eq!(fragment.format.value(&fragment.text).unwrap().as_text(), Some("print(1)\nprint(2)"));
}

#[test]
fn sources_keep_their_style() {
    put(
        Ipynb,
        BOOK,
        "cell:intro",
        "# Title\n\nMore \"text\".\nEnd\n",
        &BOOK.replace("\"Some *text*.\"", "\"More \\\"text\\\".\\n\",\n    \"End\""),
    );
    put(
        Ipynb,
        BOOK,
        "cell:intro",
        "",
        &BOOK.replace("[\n    \"# Title\\n\",\n    \"\\n\",\n    \"Some *text*.\"\n   ]", "[]"),
    );
    put(Ipynb, BOOK, "cell:a1", "x = 1", &BOOK.replace("\"print(1)\\nprint(2)\"", "\"x = 1\""));
    put(Ipynb, BOOK, "/metadata/kernelspec/name", "\"r\"", &BOOK.replace("\"python3\"", "\"r\""));
}

#[test]
fn cells_come_and_go() {
    let cell = "\x20 },
  {
   \"cell_type\": \"code\",
   \"execution_count\": null,
   \"id\": \"new-1\",
   \"metadata\": {},
   \"outputs\": [],
   \"source\": [
    \"a\\n\",
    \"b\"
   ]
  }
 ],
";
    insert(Ipynb, BOOK, "cell:new-1", Format::Text, "a\nb\n", &BOOK.replace("  }\n ],\n", cell));
    let written =
        portion::insert(Ipynb, b"", "cell:x", &Fragment { format: Format::Text, text: b"1".to_vec() }).unwrap();
    get(Ipynb, &text(&written), "cell:x", "1");
    get(Ipynb, &text(&written), "/nbformat", "4");
}

#[test]
fn what_is_refused() {
    get_fails(Ipynb, BOOK, "cell:a2", "missing: nothing stands at `cell:a2`; did you mean `cell:a1`, `cell:intro`?");
    get_fails(
        Ipynb,
        BOOK,
        "a1",
        "selector: `a1` is no ipynb selector: write `cell:ID` for the source of a cell, or a JSON Pointer",
    );
    let doubled = BOOK.replace("\"intro\"", "\"a1\"");
    get_fails(Ipynb, &doubled, "cell:a1", "ambiguous: `cell:a1` matches 2 portions, on lines 3, 13");
    let old = BOOK.replace("\"nbformat_minor\": 5", "\"nbformat_minor\": 4").replace("\"id\": \"a1\",", "");
    get_fails(
        Ipynb,
        &old,
        "cell:a1",
        "refused: the notebook has format 4.4, whose cells have no ids; Jupyter gives them some when it saves as format 4.5 \
         (`nbformat.convert`), and `/cells/0/source` is a position",
    );
    get_fails(Ipynb, "{}", "cell:a1", "refused: the file is no notebook: it has no `nbformat`");
    get_fails(
        Ipynb,
        "{\"cells\": [{]}",
        "cell:a",
        "unparsable: line 1, column 13: expected a key in quotes or `}`, found `]`",
    );
    let text = Fragment { format: Format::Text, text: b"1".to_vec() };
    assert_eq!(
        said(portion::insert(Ipynb, BOOK.as_bytes(), "cell:a b", &text)),
        "refused: `a b` is no id of a cell: 1 to 64 letters, digits, `-` and `_`"
    );
}
