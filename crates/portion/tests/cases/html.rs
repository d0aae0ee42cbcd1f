use super::*;
use portion::Scheme::Html;

const PAGE: &str = "\
<!DOCTYPE html>
<html lang=en>
<head>
  <meta charset=\"utf-8\">
  <title>One &amp; two</title>
  <script>if (a < b && c) { d() }</script>
</head>
<body>
  <main id=\"m\">
    <h1 class=\"big first\">Hello</h1>
    <ul>
      <li><a href='/a?b=1&amp;c'>A</a></li>
      <li>B <!-- b --></li>
      <li>C
    </ul>
    <p id=open>text <b>bold</b>
    <pre id=pre>
  kept
    </pre>
  </main>
  <img src=x.png alt=\"\">
  <!-- end -->
</body>
</html>
";

#[test]
fn elements_attributes_and_texts() {
    get(Html, PAGE, "h1", "<h1 class=\"big first\">Hello</h1>");
    get(Html, PAGE, "h1.big::text", "Hello");
    get(Html, PAGE, "title::text", "One & two");
    get(Html, PAGE, "script::text", "if (a < b && c) { d() }");
    get(Html, PAGE, "html@lang", "en");
    get(Html, PAGE, "main > ul > li:nth-child(1) a@href", "/a?b=1&c");
    get(Html, PAGE, "#m li:nth-of-type(2)", "<li>B <!-- b --></li>");
    get(Html, PAGE, "li:first-child > a[href^='/a']::text", "A");
    get(Html, PAGE, "h1 + ul a", "<a href='/a?b=1&amp;c'>A</a>");
    get(Html, PAGE, "h1 ~ pre", "<pre id=pre>\n  kept\n    </pre>");
    get(Html, PAGE, "img", "<img src=x.png alt=\"\">");
    get(Html, PAGE, "img@alt", "");
    get(Html, PAGE, "[charset]@charset", "utf-8");
    get(Html, "<div id=a:b><svg viewBox='0 0 1 1'><path d=''/></svg></div>", "#a\\:b path", "<path d=''/>");
    get(Html, "<div id=a:b><svg viewBox='0 0 1 1'><path d=''/></svg></div>", "svg@viewBox", "0 0 1 1");
    // Every class counts, so that what is listed means one.
    let classes = "<dl><dt class='a b c d'>1</dt><dt class=d>2</dt></dl>";
    listed(Html, classes, &[("dl", 1, 1), ("dt.a", 1, 1)]);
    // Dedented but for what is shown as it is written.
    let list = "<ul>\n  <li><a href='/a?b=1&amp;c'>A</a></li>\n  <li>B <!-- b --></li>\n  <li>C\n</ul>";
    get(Html, PAGE, "ul", list);
    get(Html, PAGE, "body > img", "<img src=x.png alt=\"\">");
}

#[test]
fn edits_keep_everything_else() {
    put(Html, PAGE, "h1", "<h1>Hi</h1>", &PAGE.replace("<h1 class=\"big first\">Hello</h1>", "<h1>Hi</h1>"));
    put(Html, PAGE, "h1::text", "a < b & c", &PAGE.replace("Hello", "a &lt; b &amp; c"));
    put(Html, PAGE, "script::text", "a && b < c", &PAGE.replace("if (a < b && c) { d() }", "a && b < c"));
    put(Html, PAGE, "img@src", "a \"b\"&", &PAGE.replace("src=x.png", "src=\"a &quot;b&quot;&amp;\""));
    put(Html, PAGE, "a@href", "it's", &PAGE.replace("'/a?b=1&amp;c'", "'it&#39;s'"));
    put(Html, "<p class>x</p>", "p@class", "a", "<p class=\"a\">x</p>");
    put(
        Html,
        PAGE,
        "ul",
        "<ul>\n  <li>one</li>\n</ul>",
        &PAGE.replace(
            "<li><a href='/a?b=1&amp;c'>A</a></li>\n      <li>B <!-- b --></li>\n      <li>C\n",
            "<li>one</li>\n",
        ),
    );
    put(
        Html,
        "<body>\r\n  <p>a</p>\r\n</body>",
        "p",
        "<p>\n  b\n</p>",
        "<body>\r\n  <p>\r\n    b\r\n  </p>\r\n</body>",
    );
    put(Html, "<textarea>x</textarea>", "textarea::text", "\ny", "<textarea>\n\ny</textarea>");
    insert(
        Html,
        PAGE,
        "#m > #new",
        Format::Html,
        "<p id=new>x</p>",
        &PAGE.replace("    </pre>\n", "    </pre>\n    <p id=new>x</p>\n"),
    );
    insert(Html, PAGE, "img@title", Format::Text, "t", &PAGE.replace("alt=\"\"", "alt=\"\" title=\"t\""));
    insert_only(Html, "<div id=a></div>", "#a > p", Format::Html, "<p>x</p>", "<div id=a><p>x</p></div>");
    insert_only(Html, "", "", Format::Html, "<html>\n</html>", "<html>\n</html>\n");
    remove(Html, PAGE, "img", &PAGE.replace("  <img src=x.png alt=\"\">\n", ""));
    remove(Html, PAGE, "img@alt", &PAGE.replace(" alt=\"\"", ""));
    remove(Html, PAGE, "#m b", &PAGE.replace("<b>bold</b>", ""));
}

#[test]
fn what_a_browser_would_read_otherwise_is_refused() {
    let elsewhere = |name: &str| {
        format!(
            "refused: `<{name}>` does not end where its end tag stands, or has none: a browser closes it elsewhere, or moves what stands in \
             it; address an element around it"
        )
    };
    get_fails(Html, PAGE, "#open", &elsewhere("p"));
    get_fails(Html, PAGE, "li:last-child", &elsewhere("li"));
    get_fails(Html, "<p>a<div>b</div></p>", "p:first-child", &elsewhere("p"));
    get_fails(Html, "<table>x<tr><td>y</table>", "table", &elsewhere("table"));
    get(Html, "<table><tr><td>y</table>", "table", "<table><tr><td>y</table>");
    get_fails(Html, "<b><p id=x>a</b>b</p>", "#x", &elsewhere("p"));
    get_fails(Html, "<p>x", "body", "refused: `<body>` has no tag of its own in the file; a browser adds it");
    get(Html, "<b>x</b><i>y</i>", "b", "<b>x</b>");
    let beside =
        "refused: a browser would read something else beside it, too: an element would be closed elsewhere, or moved";
    put_fails(Html, "<p>a <i>b</i> c</p>", "i", "<div>b</div>", beside);
    put_fails(Html, "<p>a <i>b</i> c</p>", "i", "<i>b", beside);
    put_fails(Html, "<p>a <i>b</i> c</p>", "i", "<i>b</i></p>", beside);
    put_fails(Html, "<p>a <i>b</i> c</p>", "i", "<!-- ", beside);
    put_fails(
        Html,
        "<script>a</script><p>b</p>",
        "script::text",
        "</script>",
        "refused: after the edit, what stands at `script::text` would not be what was put",
    );
    get_fails(Html, PAGE, "main::text", "refused: `<main>` holds more than text");
    get_fails(Html, PAGE, "h2", "missing: nothing stands at `h2`; did you mean `h1`?");
    get_fails(Html, PAGE, "img@srcs", "missing: nothing stands at `img@srcs`; did you mean `img@src`, `img@alt`?");
    get_fails(
        Html,
        PAGE,
        "li a, b",
        "selector: `li a, b` is no html selector: `,` has no place here; write `#id`, `main > ul.menu li:nth-of-type(2)`, `a[rel='home']@href` for an attribute, `h1::text` for a text",
    );
    get_fails(Html, PAGE, "ul li", "ambiguous: `ul li` matches 3 portions, on lines 12, 13, 14");
    get_fails(
        Html,
        "<meta charset=latin1><p>a</p>",
        "p",
        "unparsable: line 1, column 1: the file says that it is latin1, which only `bytes:` can address; convert it to UTF-8",
    );
    assert_eq!(said(portion::remove(Html, PAGE.as_bytes(), "body")), "refused: a document keeps its `<body>`");
    let deep = "<div>".repeat(600);
    get_fails(Html, &deep, "div", "elements are nested deeper than 512 levels");
    let many = format!("<p>{}{}", (0..200).map(|n| format!("<b id={n}>")).collect::<String>(), "<p>x".repeat(10_000));
    get_fails(Html, &many, "p", "a browser would repeat formatting elements too often");
}

#[test]
fn what_is_listed() {
    listed(
        Html,
        PAGE,
        &[
            ("html", 2, 24),
            ("head", 3, 7),
            ("meta", 4, 4),
            ("title", 5, 5),
            ("script", 6, 6),
            ("body", 8, 23),
            ("#m", 9, 20),
            ("h1", 10, 10),
            ("ul", 11, 15),
            ("a", 12, 12),
            ("b", 16, 16),
            ("#pre", 17, 19),
            ("img", 21, 21),
        ],
    );
}

#[test]
fn what_no_selector_of_the_list_means_is_told() {
    let file = "<div><p>a</p>\n<p id=x>b</p></div>\n<ul><li>one</ul>";
    let omitted: Vec<String> =
        portion::omitted(Scheme::Html, file.as_bytes()).unwrap().iter().map(LensError::to_string).collect();
    assert_eq!(omitted[0], "`p` matches 2 portions, on lines 1, 2");
    assert!(omitted[1].starts_with("refused: `<li>` does not end where"), "{omitted:?}");
    assert_eq!(omitted.len(), 2);
    // As `get` says it.
    assert_eq!(portion::get(Scheme::Html, file.as_bytes(), "p").unwrap_err().to_string(), omitted[0]);
    assert_eq!(portion::get(Scheme::Html, file.as_bytes(), "li").unwrap_err().to_string(), omitted[1]);
}
