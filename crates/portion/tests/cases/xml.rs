use super::*;
use portion::Scheme::Xml;

const POM: &str = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!-- licence -->
<project xmlns=\"http://maven.apache.org/POM/4.0.0\"
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"
         xsi:schemaLocation=\"a b\">
  <version>1.0</version> <!-- of this -->
  <dependencies>
    <dependency>
      <artifactId>junit</artifactId>
      <version>4.13</version>
    </dependency>
    <dependency scope='test'>
      <artifactId>mock\"ito</artifactId>
    </dependency>
  </dependencies>
  <name/>
</project>
";
const NS: &str = " xmlns=\"http://maven.apache.org/POM/4.0.0\"";

#[test]
fn elements_attributes_and_texts() {
    get(Xml, POM, "/project/version", &format!("<version{NS}>1.0</version>"));
    get(Xml, POM, "/project/version/text()", "1.0");
    get(Xml, POM, "/project/name/text()", "");
    get(Xml, POM, "//dependency[2]/@scope", "test");
    get(Xml, POM, "//dependency[last()]/artifactId/text()", "mock\"ito");
    get(Xml, POM, "//dependency[@scope]/artifactId/text()", "mock\"ito");
    get(Xml, POM, "/project/@xsi:schemaLocation", "a b");
    get(Xml, POM, "/*/*:version/text()", "1.0");
    get(
        Xml,
        POM,
        "//dependency[artifactId='junit']",
        &format!("<dependency{NS}>\n  <artifactId>junit</artifactId>\n  <version>4.13</version>\n</dependency>"),
    );
    get(Xml, "<a><b> x </b></a>", "/a[b=' x ']/b[.=' x ' and text()=' x ']", "<b> x </b>");
    get(Xml, "<a/>", "", "<a/>");
    get(Xml, "\u{feff}<a\r\n b='1'/>\r\n", "/", "<a\n b='1'/>");
    let plist = "<plist><dict><key>a</key><string>1</string><key>b</key><true/></dict></plist>";
    get(Xml, plist, "/plist/dict/key[.='a']/following-sibling::*[1]/text()", "1");
    get(Xml, plist, "//key[.='b']/following-sibling::*[1]", "<true/>");
    // A comment that begins as one that ends.
    get(Xml, "<a><!--><b>\n<!--></a>", "", "<a><!--><b>\n<!--></a>");
    // References, CDATA, line ends.
    get(Xml, "<a b='&lt;&#10;&#x41;\r\n&quot;'>x&amp;<![CDATA[<&]]>\r\n<!-- no -->y</a>", "/a/text()", "x&<&\ny");
    get(Xml, "<a b='&lt;&#10;&#x41;\r\n&quot;'/>", "/a/@b", "<\nA \"");
}

#[test]
fn fragments_are_free_of_their_place() {
    // Only layout is dedented: text and CDATA are what the file says.
    let file = "\
<a>
  <b>
    <!-- two
         lines -->
    <c x='1
  2'
       y='3'/>
    <p>
      one <i>two</i>
    </p>
    <s><![CDATA[
    in
    ]]></s>
  </b>
</a>
";
    let fragment = "\
<b>
  <!-- two
       lines -->
  <c x='1
  2'
     y='3'/>
  <p>
      one <i>two</i>
    </p>
  <s><![CDATA[
    in
    ]]></s>
</b>";
    get(Xml, file, "/a/b", fragment);
    put(Xml, file, "/a/b", &fragment.replace("y='3'", "y='4'"), &file.replace("y='3'", "y='4'"));
    put(
        Xml,
        file,
        "/a/b",
        "<b>\n  <n>\n    <m/>\n  </n>\n</b>",
        "<a>\n  <b>\n    <n>\n      <m/>\n    </n>\n  </b>\n</a>\n",
    );
    // Prefixes from above, in names and in values; those that the place has are not repeated.
    let file = "<r xmlns:p='urn:p' xmlns:q='urn:q' xmlns:z='urn:z'>\r\n\t<p:a t='q:x'/>\r\n</r>";
    get(Xml, file, "/r/p:a", "<p:a t='q:x' xmlns:p=\"urn:p\" xmlns:q=\"urn:q\"/>");
    get(Xml, file, "/r/*:a/@t", "q:x");
    put(
        Xml,
        file,
        "/r/p:a",
        "<p:a t='q:y' xmlns:p=\"urn:p\" xmlns:q=\"urn:q\">\n\t<b/>\n</p:a>",
        &file.replace("t='q:x'/>", "t='q:y'>\r\n\t\t<b/>\r\n\t</p:a>"),
    );
    put(
        Xml,
        file,
        "/r/p:a",
        "<p:a xmlns:p='urn:other'/>",
        &file.replace("<p:a t='q:x'/>", "<p:a xmlns:p='urn:other'/>"),
    );
    put_fails(
        Xml,
        file,
        "/r/p:a",
        "<p:a n:x='1'/>",
        "refused: the prefix `n` is declared neither in the fragment nor above its place",
    );
    // A declaration that is written otherwise than inlay does is the element's own.
    let own = "<r xmlns:p='u'>\n  <p:a\n   xmlns:p=\"u\" />\n</r>";
    get(Xml, own, "/r/p:a", "<p:a\n   xmlns:p=\"u\" />");
    put(Xml, own, "/r/p:a", "<p:a\n   xmlns:p=\"u\" x='1'/>", &own.replace("\"u\" />", "\"u\" x='1'/>"));
    // What declares no namespace takes that of its place.
    let new = Fragment { format: Format::Xml, text: b"<version>2</version>".to_vec() };
    let written = portion::put(Xml, POM.as_bytes(), "/project/version", &new).unwrap().unwrap();
    assert_eq!(text(&written), POM.replace("<version>1.0<", "<version>2<"));
    // Line ends and what differs.
    put(Xml, "<a>\r\n  <b/>\n  <c/>\r\n</a>", "", "<a>\n  <b/>\n  <c>1</c>\n</a>", "<a>\r\n  <b/>\n  <c>1</c>\r\n</a>");
}

#[test]
fn texts_are_written_as_their_place_needs() {
    put(Xml, "<a>x</a>", "/a/text()", "<&]]>\"", "<a>&lt;&amp;]]&gt;\"</a>");
    put(Xml, "<a b='x'/>", "/a/@b", "'\"<&\n\t>", "<a b='&apos;\"&lt;&amp;&#10;&#9;>'/>");
    put(Xml, "<a b=\"x\"/>", "/a/@b", "'\"", "<a b=\"'&quot;\"/>");
    put(Xml, "<a/>", "/a/text()", "x", "<a>x</a>");
    put(Xml, "<a b='1' />", "/a/text()", "x\ny", "<a b='1'>x\ny</a>");
    put(Xml, "<a>\r\n</a>", "/a/text()", "x\ny", "<a>x\r\ny</a>");
    put(Xml, "<a><![CDATA[x]]></a>", "/a/text()", "<b>]]>&", "<a><![CDATA[<b>]]]]><![CDATA[>&]]></a>");
    put(Xml, "<a>x<!-- c -->y</a>", "/a/text()", "z", "<a>z<!-- c --></a>");
    put(Xml, "<a>x</a>", "/a/text()", "", "<a></a>");
    put_fails(Xml, "<a>x</a>", "/a/text()", "\u{1}", "refused: XML cannot hold the character U+0001");
}

#[test]
fn insertions_follow_their_neighbours() {
    let xml = Format::Xml;
    insert(
        Xml,
        POM,
        "//dependencies/dependency[artifactId='x']",
        xml,
        "<dependency>\n  <artifactId>x</artifactId>\n</dependency>",
        &POM.replace(
            "  </dependencies>",
            "    <dependency>\n      <artifactId>x</artifactId>\n    </dependency>\n  </dependencies>",
        ),
    );
    // Behind the comment that is about its neighbour; behind the last of its own name.
    insert(
        Xml,
        "<a>\n\t<b/> <!-- b -->\n\t<c/>\n</a>",
        "/a/b[@x='1']",
        xml,
        "<b x='1'/>",
        "<a>\n\t<b/> <!-- b -->\n\t<b x='1'/>\n\t<c/>\n</a>",
    );
    insert_only(
        Xml,
        POM,
        "/project/name/first",
        xml,
        "<first/>",
        &POM.replace("  <name/>", "  <name>\n    <first/>\n  </name>"),
    );
    insert_only(Xml, "<a><b></b></a>", "/a/b/c", xml, "<c/>", "<a><b><c/></b></a>");
    insert_only(
        Xml,
        "<a>\n\t<b x='1'>\n\t</b>\n</a>",
        "/a/b/c",
        xml,
        "<c/>",
        "<a>\n\t<b x='1'>\n\t\t<c/>\n\t</b>\n</a>",
    );
    insert_only(Xml, "<a>\n  <!-- c -->\n</a>", "/a/b", xml, "<b/>", "<a>\n  <!-- c -->\n  <b/>\n</a>");
    insert(Xml, "<a><b/></a>", "/a/c", xml, "<c/>", "<a><b/><c/></a>");
    insert(Xml, "<a b='1'/>", "/a/@c", Format::Text, "2 < 3", "<a b='1' c='2 &lt; 3'/>");
    insert(Xml, "<a\n   b=\"1\"\n   >x</a>", "/a/@c", Format::Text, "2", "<a\n   b=\"1\"\n   c=\"2\"\n   >x</a>");
    insert_only(Xml, "", "/a", xml, "<a/>", "<a/>\n");
    insert_only(Xml, "\u{feff}\n", "", xml, "<a/>", "\u{feff}<a/>\n");
    // An element of no name of its own takes that of its place.
    insert_only(Xml, "<a/>", "/a/b", xml, "<_>1</_>", "<a>\n  <b>1</b>\n</a>");
    remove(
        Xml,
        POM,
        "/project/version",
        &POM.replace("  <version>1.0</version> <!-- of this -->\n", "   <!-- of this -->\n"),
    );
    remove(Xml, POM, "//dependency[1]", &POM.replace("    <dependency>\n      <artifactId>junit</artifactId>\n      <version>4.13</version>\n    </dependency>\n", ""));
    remove(Xml, "<a>x <b/> y</a>", "/a/b", "<a>x  y</a>");
    remove(Xml, "<a b='1'\n  c='2'/>", "/a/@c", "<a b='1'/>");
}

#[test]
fn values() {
    let json = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    for (xml, value) in [
        ("<a/>", r#""""#),
        ("<a> x </a>", r#"" x ""#),
        ("<a b='1'/>", r#"{"@b": "1"}"#),
        ("<a b='1'>x</a>", r##"{"@b": "1", "#text": "x"}"##),
        ("<a xmlns='u'>\n <b>1</b><!-- c --><b>2</b> <c d='e'/></a>", r#"{"b": ["1", "2"], "c": {"@d": "e"}}"#),
        ("<a>x <b>y</b> &amp; z</a>", r##"{"#xml": "x <b>y</b> &amp; z"}"##),
    ] {
        assert_eq!(Format::Xml.value(xml.as_bytes()).unwrap(), json(value), "{xml}");
        let rendered = Format::Xml.render(&json(value)).unwrap();
        assert_eq!(Format::Xml.value(&rendered).unwrap(), json(value), "{}", text(&rendered));
    }
    let rendered =
        Format::Xml.render(&json(r##"{"@b": "\"", "c": ["1", {"d": 2}], "e": {"@f": true, "#text": "<"}}"##));
    assert_eq!(
        text(&rendered.unwrap()),
        "<_ b=\"&quot;\">\n  <c>1</c>\n  <c>\n    <d>2</d>\n  </c>\n  <e f=\"true\">&lt;</e>\n</_>"
    );
}

#[test]
fn updates_touch_only_what_differs() {
    let json = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    let update = |xml: &str, value: &str| text(&Format::Xml.update(xml.as_bytes(), &json(value)).unwrap());
    let servers = "<servers>\n  <!-- first -->\n  <server  id='a'>\n    <port>1</port> <!-- p -->\n  </server>\n  <server id=\"b\"/>\n</servers>";
    assert_eq!(
        update(servers, r#"{"server": [{"@id": "a", "port": 2, "tls": true}, {"@id": "b"}]}"#),
        servers.replace("<port>1</port> <!-- p -->", "<port>2</port> <!-- p -->\n    <tls>true</tls>")
    );
    assert_eq!(
        update(servers, r#"{"server": [{"@id": "a", "port": "1"}, {"@id": "b", "@x": 1}, {"@id": "c", "port": 3}]}"#),
        servers.replace(
            "  <server id=\"b\"/>\n",
            "  <server id=\"b\" x=\"1\"/>\n  <server id=\"c\">\n    <port>3</port>\n  </server>\n"
        )
    );
    assert_eq!(
        update(servers, r#"{"server": {"@id": "b"}}"#),
        "<servers>\n  <!-- first -->\n  <server id=\"b\"/>\n</servers>"
    );
    assert_eq!(update("<a b='1' c='2'>x</a>", r##"{"@c": "3", "#text": "y"}"##), "<a c='3'>y</a>");
    assert_eq!(update("<a b='1'><c/></a>", r#""x""#), "<a>x</a>");
    assert_eq!(update("<a/>", r#"{"b": {"c": "1"}}"#), "<a>\n  <b>\n    <c>1</c>\n  </b>\n</a>");
    let fails = |xml: &str, value: &str| said(Format::Xml.update(xml.as_bytes(), &json(value)));
    // Comments are no part of a value, and do not go with one.
    assert_eq!(update("<a><!-- s -->30<?x?></a>", r#""45""#), "<a><!-- s -->45<?x?></a>");
    assert_eq!(update("<a><!-- none --></a>", r#""45""#), "<a>45<!-- none --></a>");
    assert_eq!(
        update("<a>\n  <!-- none yet -->\n</a>", r#"{"@n": "1", "b": "1", "c": ["2", "3"]}"#),
        "<a n=\"1\">\n  <!-- none yet -->\n  <b>1</b>\n  <c>2</c>\n  <c>3</c>\n</a>"
    );
    assert_eq!(update("<a>x <!-- y --><b/></a>", r##"{"#xml": "z <b/>"}"##), "<a>z <b/></a>");
    for (xml, value) in [
        ("<a><!-- first --><b/></a>", r#""x""#),
        ("<a><b/><?x?></a>", r##"{"#xml": "x<b/>"}"##),
        ("<a>x<!-- y --></a>", r#"{"b": "1"}"#),
    ] {
        assert_eq!(
            fails(xml, value),
            "refused: comments stand in `a` that its new content has no place for; put its text, or take them away first"
        );
    }
    assert_eq!(fails("<a/>", "null"), "cannot say: xml cannot say null");
    assert_eq!(
        fails("<a/>", r#"{"b": ["1"]}"#),
        "cannot say: xml cannot say a list of fewer than two, which it does not tell from what is no list at `/b`"
    );
    assert_eq!(fails("<a/>", r#"{"b c": "1"}"#), "cannot say: xml cannot say the name `b c` at `/b c`");
    let dict = "<dict><key>a</key><true/><key>b</key><true/></dict>";
    assert_eq!(update(dict, r#"{"key": ["a", "c"], "true": ["", ""]}"#), dict.replace(">b<", ">c<"));
    assert_eq!(
        fails(dict, r#"{"key": ["a", "b", "c"], "true": ["", "", ""]}"#),
        "refused: children of several names stand in `dict` by turns, and a value does not tell their order; put its text"
    );
}

#[test]
fn what_is_listed() {
    listed(
        Xml,
        POM,
        &[
            ("/project", 3, 17),
            ("/project/version", 6, 6),
            ("/project/dependencies", 7, 15),
            ("/project/dependencies/dependency[artifactId='junit']", 8, 11),
            ("/project/dependencies/dependency[artifactId='junit']/artifactId", 9, 9),
            ("/project/dependencies/dependency[artifactId='junit']/version", 10, 10),
            ("/project/dependencies/dependency[artifactId='mock\"ito']", 12, 14),
            ("/project/dependencies/dependency[artifactId='mock\"ito']/artifactId", 13, 13),
            ("/project/name", 16, 16),
        ],
    );
    let omitted = portion::omitted(Xml, b"<a>\n<b/>\n<b/></a>").unwrap();
    assert_eq!(omitted[0].to_string(), "`/a/b` matches 2 portions, on lines 2, 3");
}

#[test]
fn what_is_refused() {
    get_fails(
        Xml,
        POM,
        "/project/versio",
        "missing: nothing stands at `/project/versio`; did you mean `/project/version`, `/project/name`, `/project`?",
    );
    get_fails(Xml, "<a b='1'/>", "/a/@c", "missing: nothing stands at `/a/@c`; did you mean `/a/@b`?");
    get_fails(Xml, POM, "//artifactId", "ambiguous: `//artifactId` matches 2 portions, on lines 9, 13");
    get_fails(
        Xml,
        POM,
        "project",
        "selector: `project` is no xml selector: a path starts with `/`; write `/a/b[@id='x']` for an element, `//b[name='x']` \
         wherever it stands, `/a/b/@id` for an attribute, `/a/b/text()` for its text",
    );
    let entities = "<!DOCTYPE a [<!ENTITY e '<x/>'> <!-- ]> -->]>\n<a><b>&e;</b><c d='&e;'>1</c></a>";
    get(Xml, entities, "/a/c/text()", "1");
    put(Xml, entities, "/a/c/text()", "2", &entities.replace(">1<", ">2<"));
    get_fails(
        Xml,
        entities,
        "/a",
        "refused: `/a` holds `&e;`, which the document's type declares: it means nothing elsewhere",
    );
    get_fails(Xml, entities, "/a/c/@d", "refused: `/a/c/@d` holds an entity that the document's type declares");
    listed(Xml, entities, &[]);
    put_fails(
        Xml,
        "<a><b/></a>",
        "/a/b",
        "<c/>",
        "refused: after the edit, `/a/b` could not be found again: nothing stands at `/a/b`; did you mean `/a/c`, `/a`?",
    );
    put_fails(
        Xml,
        "<a><b/></a>",
        "/a/b",
        "<b/><b/>",
        "unparsable: line 1, column 5: a second root: a document has one",
    );
    put_fails(Xml, "<a>t<b/></a>", "/a/b", "<b>", "unparsable: line 1, column 1: `<b>` is not closed");
    assert_eq!(said(portion::remove(Xml, b"<a/>", "/a")), "refused: a document keeps its root element");
    assert_eq!(
        said(portion::remove(Xml, b"<a>x</a>", "/a/text()")),
        "refused: an element's text is emptied, not removed"
    );
    let new = Fragment { format: Format::Xml, text: b"<c/>".to_vec() };
    assert_eq!(
        said(portion::insert(Xml, b"<a>text</a>", "/a/c", &new)),
        "refused: text stands in `a`, so that no element can be added beside it"
    );
    assert_eq!(
        said(portion::insert(Xml, b"<a/>", "/a/b/c", &new)),
        "refused: `/a/b` is missing, in which it would stand; insert that first"
    );
}

#[test]
fn what_is_no_xml() {
    for (file, found) in [
        ("", "line 1, column 1: expected an element, found the end of the file"),
        ("<a>", "line 1, column 1: `<a>` is not closed"),
        ("<a></b>", "line 1, column 4: `</b>` where `<a>` is to be closed"),
        ("<a/><b/>", "line 1, column 5: a second root: a document has one"),
        ("<a b='1' b='2'/>", "line 1, column 10: the attribute `b` stands here twice"),
        ("<a b='1'c='2'/>", "line 1, column 9: expected a blank, `>` or `/>`, found `c`"),
        ("<a b=1/>", "line 1, column 6: expected the value of `b` in quotes, found `1`"),
        ("<a b='<'/>", "line 1, column 7: `<` in an attribute; write `&lt;`"),
        ("<a>&</a>", "line 1, column 4: `&` without a reference; write `&amp;`"),
        ("<a>&nbsp;</a>", "line 1, column 4: the entity `&nbsp;`, which nothing declares"),
        ("<a>&#0;</a>", "line 1, column 4: `&#0;` is no character of XML"),
        ("<a>]]></a>", "line 1, column 4: `]]>` in text; write `]]&gt;`"),
        ("<a><!-- -- --></a>", "line 1, column 9: `--` inside of a comment"),
        ("<a><!-- ---></a>", "line 1, column 9: `--` inside of a comment"),
        (" <?xml version='1.0'?><a/>", "line 1, column 2: an XML declaration that is not at the start of the file"),
        ("<?xml version='1.1'?><a/>", "line 1, column 15: XML 1.1; this program reads 1.0"),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "line 1, column 30: the file says that it is ISO-8859-1, which only `bytes:` can address; convert it to UTF-8",
        ),
        ("<1/>", "line 1, column 2: expected an element's name, found `1`"),
        ("<a>\u{1}</a>", "line 1, column 4: the character U+0001, which XML cannot hold"),
        ("text", "line 1, column 1: expected an element, found `t`"),
        ("<a/>text", "line 1, column 5: `t` behind the root's end"),
    ] {
        get_fails(Xml, file, "", &format!("unparsable: {found}"));
    }
    let deep = format!("{}{}", "<a>".repeat(512), "</a>".repeat(512));
    let tree = portion::get(Xml, deep.as_bytes(), "").unwrap();
    assert!(tree.format.value(&tree.text).is_ok());
    let deeper = format!("<a>{deep}</a>");
    get_fails(Xml, &deeper, "", "elements are nested deeper than 512 levels");
}
