use super::archive::{self, How};
use super::*;
use portion::Scheme::{Docx, Pptx};

const BODY: &str = "<w:p><w:pPr><w:pStyle w:val=\"H1\"/></w:pPr><w:r><w:t>Guide</w:t></w:r></w:p>\
    <w:p w:rsidR=\"1\"><w:pPr><w:jc w:val=\"both\"/></w:pPr><w:r><w:t xml:space=\"preserve\">Bold </w:t></w:r><w:r w:rsidR=\"2\"><w:rPr><w:b/></w:rPr><w:t>here</w:t></w:r><w:bookmarkStart w:id=\"3\" w:name=\"b\"/><w:r><w:t xml:space=\"preserve\"> end</w:t></w:r><w:bookmarkEnd w:id=\"3\"/></w:p>\
    <w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>\
    <w:tbl><w:tr><w:tc><w:tcPr/><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc><w:tc><w:p/><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>\
    <w:p><w:pPr><w:pStyle w:val=\"Mine\"/></w:pPr><w:r><w:t>Terms  of</w:t></w:r></w:p>\
    <w:sdt><w:sdtPr><w:alias w:val=\"Title\"/><w:tag w:val=\"TERMS\"/></w:sdtPr><w:sdtContent><w:p><w:r><w:t>one</w:t></w:r></w:p><w:p><w:r><w:drawing/></w:r></w:p></w:sdtContent></w:sdt>\
    <w:p><w:r><w:t xml:space=\"preserve\">by </w:t></w:r><w:sdt><w:sdtPr><w:tag w:val=\"WHO\"/></w:sdtPr><w:sdtContent><w:r><w:rPr><w:i/></w:rPr><w:t>me</w:t></w:r></w:sdtContent></w:sdt></w:p>\
    <w:p><w:r><w:t xml:space=\"preserve\">Page </w:t></w:r><w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>7</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r><w:r><w:t xml:space=\"preserve\"> of 9</w:t></w:r></w:p>\
    <w:p><w:pPr><w:outlineLvl w:val=\"0\"/></w:pPr><w:r><w:t>Last</w:t></w:r></w:p>";

fn file() -> Vec<u8> {
    archive::docx(BODY, How::default())
}

#[track_caller]
fn shows(scheme: Scheme, file: &[u8], expression: &str, expected: &str) {
    let found = portion::get(scheme, file, expression).unwrap();
    assert_eq!(text(&found.text), expected, "{expression}");
}

fn puts(scheme: Scheme, file: &[u8], expression: &str, new: &str) -> Result<Vec<u8>, LensError> {
    let format = portion::get(scheme, file, expression).map_or(Format::Text, |standing| standing.format);
    let new = Fragment { format, text: new.as_bytes().to_vec() };
    match portion::put(scheme, file, expression, &new) {
        Err(LensError::Missing { .. }) => portion::insert(scheme, file, expression, &new),
        other => Ok(other?.unwrap_or_else(|| file.to_vec())),
    }
}

#[test]
fn text_of_a_document() {
    let file = file();
    shows(Docx, &file, "heading:/Guide/Terms of", "\u{FFFC}\nby me\nPage 7 of 9\n");
    shows(
        Docx,
        &file,
        "heading:/Guide",
        "Bold here end\na\tb\u{B}c\n\u{FFFC}\nTerms  of\n\u{FFFC}\nby me\nPage 7 of 9\n",
    );
    shows(Docx, &file, "tag:TERMS", "one\n\u{FFFC}\n");
    shows(Docx, &file, "tag:Title", "one\n\u{FFFC}\n");
    shows(Docx, &file, "tag:WHO", "me");
    shows(Docx, &file, "bookmark:b", " end");
    shows(Docx, &file, "table:1", "[\n  [\"1\", \"\\n2\"],\n  [\"\"]\n]");
    let items = portion::list(Docx, &file).unwrap();
    let found: Vec<_> = items.iter().map(|item| (item.selector.as_str(), item.lines)).collect();
    assert_eq!(
        found,
        [
            ("heading:/Guide", (1, 1)),
            ("bookmark:b", (2, 2)),
            ("table:1", (4, 7)),
            ("heading:/Guide/Terms of", (8, 8)),
            ("tag:TERMS", (9, 10)),
            ("tag:WHO", (11, 11)),
        ]
    );
    for (expression, error) in [
        ("heading:/Last", "missing: nothing stands at `heading:/Last`"),
        ("tag:TERM", "missing: nothing stands at `tag:TERM`; did you mean `tag:TERMS`, `tag:WHO`?"),
        ("table:0", "selector: `table:0` is no docx selector: tables are counted from 1"),
    ] {
        assert_eq!(said(portion::get(Docx, &file, expression)), error);
    }
    let twice = archive::docx(&[BODY, BODY].concat(), How::default());
    assert_eq!(said(portion::get(Docx, &twice, "tag:WHO")), "ambiguous: `tag:WHO` matches 2 portions, on lines 11, 24");
}

#[test]
fn only_paragraphs_that_differ_are_written() {
    let file = file();
    let guide =
        |first: &str, second: &str| format!("{first}\n{second}\n\u{FFFC}\nTerms  of\n\u{FFFC}\nby me\nPage 7 of 9\n");
    let bold = "<w:r w:rsidR=\"2\"><w:rPr><w:b/></w:rPr><w:t>here</w:t></w:r>";
    for (expression, new, old, becomes) in [
        (
            "heading:/Guide",
            guide("Bold there end", "a\tb\u{B}c"),
            "<w:t xml:space=\"preserve\">Bold </w:t>",
            "<w:t>Bold t</w:t>",
        ),
        (
            "heading:/Guide",
            guide("Bold hero end", "a\tb\u{B}c"),
            bold,
            "<w:r w:rsidR=\"2\"><w:rPr><w:b/></w:rPr><w:t>hero</w:t></w:r>",
        ),
        (
            "heading:/Guide",
            guide("Bold here end", "a<\t \u{B}c"),
            "<w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t>",
            "<w:t>a&lt;</w:t><w:tab/><w:t xml:space=\"preserve\"> </w:t><w:br/><w:t>c</w:t>",
        ),
        (
            "heading:/Guide",
            guide("new\nBold here end", "a\tb\u{B}c"),
            "<w:p w:rsidR=\"1\">",
            "<w:p><w:pPr><w:jc w:val=\"both\"/></w:pPr><w:r><w:t>new</w:t></w:r></w:p><w:p w:rsidR=\"1\">",
        ),
        (
            "heading:/Guide",
            guide("Bold here end", "a\tb\u{B}c\nnew"),
            "<w:tbl>",
            "<w:p><w:r><w:t>new</w:t></w:r></w:p><w:tbl>",
        ),
        (
            "tag:TERMS",
            "one\ntwo\n\u{FFFC}\n".to_owned(),
            "<w:p><w:r><w:drawing/>",
            "<w:p><w:r><w:t>two</w:t></w:r></w:p><w:p><w:r><w:drawing/>",
        ),
        ("tag:WHO", "you".to_owned(), "<w:t>me</w:t>", "<w:t>you</w:t>"),
        ("bookmark:b", " END\n".to_owned(), "> end<", "> END<"),
        (
            "heading:/Guide/Terms of",
            "\u{FFFC}\nby me\nPages 7 of 10\n".to_owned(),
            "preserve\">Page <",
            "preserve\">Pages <",
        ),
        ("table:1", "[[\"1\",\"\\n3\"],[\"\"]]".to_owned(), "<w:t>2</w:t>", "<w:t>3</w:t>"),
        ("table:1", "[[\"\",\"\\n2\"],[\"\"]]".to_owned(), "<w:p><w:r><w:t>1</w:t></w:r></w:p>", "<w:p></w:p>"),
        (
            "table:1",
            "[[\"1\",\"x\\n2\"],[\"\"]]".to_owned(),
            "<w:tc><w:p/>",
            "<w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p>",
        ),
        ("heading:/Last", "x\n".to_owned(), "<w:sectPr/>", "<w:p><w:r><w:t>x</w:t></w:r></w:p><w:sectPr/>"),
    ] {
        let after = puts(Docx, &file, expression, &new).unwrap();
        let expected = archive::part(&file, "word/document.xml").replacen(old, becomes, 1);
        let expected = if new.contains("10\n") { expected.replace("> of 9<", "> of 10<") } else { expected };
        assert_eq!(archive::part(&after, "word/document.xml"), expected, "{expression} {new}");
    }
}

#[test]
fn what_is_not_written() {
    let file = file();
    for (expression, new, why) in [
        (
            "heading:/Guide/Terms of",
            "\u{FFFC}\nby you\nPage 7 of 9\n",
            "a content control stands where the text differs, and is not overwritten",
        ),
        (
            "heading:/Guide/Terms of",
            "\u{FFFC}\nby me\nPage 8 of 9\n",
            "a field stands where the text differs, and is not overwritten",
        ),
        ("heading:/Guide/Terms of", "\u{FFFC}\nby me\n", "the paragraph that would be removed holds a field"),
        (
            "heading:/Guide/Terms of",
            "by me\nPage 7 of 9\n",
            "a table or another object stands where text would be removed",
        ),
        ("tag:TERMS", "one\n", "the paragraph that would be removed holds a picture or another object"),
        ("tag:TERMS", "one\n\u{FFFC}\n\u{FFFC}\n", "a picture, a table or another object cannot be put as text"),
        ("tag:WHO", "a\nb", "this portion lies within a paragraph, and cannot have several lines"),
        ("tag:WHO", "\u{1}", "the document cannot say the character U+0001"),
        ("table:1", "[[\"1\",\"\\n2\"],[\"x\"]]", "the cell 1 of row 2 is covered by a merged cell"),
        ("table:1", "[[\"1\"]]", "the table has another number of rows or cells, and neither is added or removed"),
        ("table:1", "[[1,\"\\n2\"],[\"\"]]", "the cell 1 of row 1 holds text, and a number was put"),
        ("heading:/Nowhere", "x", "`heading:/Nowhere` names nothing in this file, and no place for it is known"),
    ] {
        assert_eq!(puts(Docx, &file, expression, new).unwrap_err(), LensError::Refused(why.to_owned()), "{expression}");
    }
    for (properties, why) in [
        ("<w:dataBinding/>", "the content control `T` is bound to the document's data, which would overwrite it"),
        ("<w:dropDownList/>", "the content control `T` takes one of a list"),
        ("<w:lock w:val=\"sdtContentLocked\"/>", "the content control `T` is locked"),
    ] {
        let body = format!(
            "<w:sdt><w:sdtPr><w:tag w:val=\"T\"/>{properties}</w:sdtPr><w:sdtContent><w:p><w:r><w:t>x</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        );
        let file = archive::docx(&body, How::default());
        shows(Docx, &file, "tag:T", "x\n");
        assert_eq!(puts(Docx, &file, "tag:T", "y").unwrap_err(), LensError::Refused(why.to_owned()));
    }
    let tracked = "<w:p><w:r><w:t xml:space=\"preserve\">a </w:t></w:r><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>";
    let file = archive::docx(
        &format!("<w:sdt><w:sdtPr><w:tag w:val=\"T\"/></w:sdtPr><w:sdtContent>{tracked}</w:sdtContent></w:sdt>"),
        How::default(),
    );
    shows(Docx, &file, "tag:T", "a new\n");
    puts(Docx, &file, "tag:T", "b new").unwrap();
    let error = puts(Docx, &file, "tag:T", "a old").unwrap_err();
    assert_eq!(error.to_string(), "refused: a tracked change stands where the text differs, and is not overwritten");
}

const SLIDE: &str = "<p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"Title 1\"/></p:nvSpPr><p:txBody><a:bodyPr/><a:p><a:r><a:rPr lang=\"en\"/><a:t>Hello</a:t></a:r><a:br/><a:r><a:t>you</a:t></a:r><a:endParaRPr/></a:p></p:txBody></p:sp>\
    <p:grpSp><p:sp><p:nvSpPr><p:cNvPr id=\"3\" name=\"Body\"/></p:nvSpPr><p:txBody><a:bodyPr/><a:p><a:pPr lvl=\"1\"/><a:fld id=\"x\" type=\"slidenum\"><a:t>1</a:t></a:fld></a:p><a:p><a:endParaRPr/></a:p></p:txBody></p:sp></p:grpSp>\
    <p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id=\"4\" name=\"Prices\"/></p:nvGraphicFramePr><a:graphic><a:graphicData><a:tbl><a:tr><a:tc gridSpan=\"2\"><a:txBody><a:bodyPr/><a:p><a:r><a:t>1</a:t></a:r></a:p></a:txBody></a:tc><a:tc hMerge=\"1\"><a:txBody><a:p/></a:txBody></a:tc></a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>";

#[test]
fn slides() {
    let file = archive::pptx(&["", SLIDE], How::default());
    shows(Pptx, &file, "slide:2/shape:Title 1", "Hello\u{B}you\n");
    shows(Pptx, &file, "slide:2/shape:Body", "1\n\n");
    shows(Pptx, &file, "slide:2/table:Prices", "[\n  [\"1\", \"\"]\n]");
    let items = portion::list(Pptx, &file).unwrap();
    let found: Vec<_> = items.iter().map(|item| item.selector.as_str()).collect();
    assert_eq!(found, ["slide:2/shape:Title 1", "slide:2/shape:Body", "slide:2/table:Prices"]);
    for (expression, new, old, becomes) in [
        (
            "slide:2/shape:Title 1",
            "Hullo\u{B}you\u{B}\tthere\nnew\n",
            "<a:t>Hello</a:t></a:r><a:br/><a:r><a:t>you</a:t></a:r><a:endParaRPr/></a:p>",
            "<a:t>Hullo</a:t></a:r><a:br/><a:r><a:rPr lang=\"en\"/><a:t>you</a:t></a:r><a:br/><a:r><a:rPr lang=\"en\"/><a:t>\tthere</a:t></a:r><a:endParaRPr/></a:p><a:p><a:r><a:rPr lang=\"en\"/><a:t>new</a:t></a:r></a:p>",
        ),
        ("slide:2/shape:Body", "1\nx\n", "<a:p><a:endParaRPr/>", "<a:p><a:r><a:t>x</a:t></a:r><a:endParaRPr/>"),
        (
            "slide:2/table:Prices",
            "[[\"2 & 3\",\"\"]]",
            "<a:t>1</a:t></a:r></a:p></a:txBody>",
            "<a:t>2 &amp; 3</a:t></a:r></a:p></a:txBody>",
        ),
    ] {
        let after = puts(Pptx, &file, expression, new).unwrap();
        let expected = archive::part(&file, "ppt/slides/slide2.xml").replacen(old, becomes, 1);
        assert_eq!(archive::part(&after, "ppt/slides/slide2.xml"), expected, "{expression}");
    }
    for (expression, new, why) in [
        ("slide:2/shape:Body", "2\n\n", "refused: a field stands where the text differs, and is not overwritten"),
        ("slide:2/table:Prices", "[[\"1\",\"2\"]]", "refused: the cell 2 of row 1 is covered by a merged cell"),
        (
            "slide:3/shape:Body",
            "x",
            "refused: `slide:3/shape:Body` names nothing in this file, and no place for it is known",
        ),
    ] {
        assert_eq!(puts(Pptx, &file, expression, new).unwrap_err().to_string(), why);
    }
}
