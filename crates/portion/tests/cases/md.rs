use super::*;
use portion::Scheme::Md;

const DOC: &str = "\
Intro

# Guide

## Install *now*

    # code

```
# fence
```

> # quote

- # list

### On  `Linux`
text
### Windows

## Use
Deep
====

Sub
---
s
";

#[test]
fn sections_by_path() {
    get(Md, DOC, "/Guide/Use", "# Use\n");
    get(Md, DOC, "/Guide/Install now/On Linux", "# On  `Linux`\ntext\n");
    get(Md, DOC, "/Deep", "# Deep\n\n## Sub\ns\n");
    get(Md, DOC, "/Deep/Sub", "# Sub\ns\n");
    listed(
        Md,
        DOC,
        &[
            ("/Guide", 3, 21),
            ("/Guide/Install now", 5, 19),
            ("/Guide/Install now/On Linux", 17, 18),
            ("/Guide/Install now/Windows", 19, 19),
            ("/Guide/Use", 21, 21),
            ("/Deep", 22, 27),
            ("/Deep/Sub", 25, 27),
        ],
    );
    get_fails(
        Md,
        DOC,
        "/Guide/Instal now",
        "missing: nothing stands at `/Guide/Instal now`; did you mean `/Guide/Install now`, `/Guide/Install now/Windows`, `/Guide/Install now/On Linux`?",
    );
    get(Md, "# [A]: b [c][d] [`e`](f) ![g](h)\n", "/A: b c e g", "# [A]: b [c][d] [`e`](f) ![g](h)\n");
    get_fails(Md, "# A\n# A\n", "/A", "ambiguous: `/A` matches 2 portions, on lines 1, 2");
    get_fails(
        Md,
        "# A\n",
        "",
        "selector: an empty text is no md selector: write `/Heading/Sub-heading`, or `front` for the front matter",
    );
}

#[test]
fn headings_shift_and_keep_their_bytes() {
    put(Md, DOC, "/Guide/Use", "# Use\n\n## More\nx\n", &DOC.replace("## Use\n", "## Use\n\n### More\nx\n\n"));
    put(Md, DOC, "/Deep/Sub", "# Sub\nt\n", &DOC.replace("---\ns", "---\nt"));
    put(
        Md,
        "A\n=\n\nB\n-\n",
        "/A",
        "# A\n\n## B\nx\n\n## New\n## Close\n\n## 1. No\n\n### Low\n",
        "A\n=\n\nB\n-\nx\n\nNew\n---\n## Close\n\n## 1. No\n\n### Low\n",
    );
    put(Md, "# A\r\n\r\n##  B ##\r\nx", "/A/B", "#  B ##\ny\n", "# A\r\n\r\n##  B ##\r\ny");
    put(Md, "\u{feff}# A\nx\n\n\n# B\n", "/A", "# A\n", "\u{feff}# A\n\n\n# B\n");
    // A fragment that somebody wrote with underlines, and with blank lines around.
    put(Md, "## A\nx\n", "/A", "\n\nA\n===\n\nC #\n---\n\n", "## A\n\n### C # #\n");
    // Several lines stay underlined.
    get(Md, "x\n\nA\nB\n---\n", "/A B", "A\nB\n===\n");
    put(Md, "A\nB\n---\nx\n", "/A B", "A\nB\n===\ny\n", "A\nB\n---\ny\n");
    // A setext heading that follows at once gets the blank line that it then needs.
    put(Md, "# A\nB\n===\n", "/A", "# A\ntext\n", "# A\ntext\n\nB\n===\n");
}

#[test]
fn what_is_no_section_is_refused() {
    let file = "# A\n\n## B\n\n### C\n\n# D\n";
    // Whoever writes a section as it stands in the file is told how a fragment is written.
    for (fragment, found) in [
        ("text\n", "the fragment has no heading"),
        ("", "the fragment has no heading"),
        ("## B\n", "the fragment's heading `B` has level 2"),
        ("x\n\n# B\n", "the fragment has text before its heading"),
        ("# B\n# E\n", "the fragment has a second heading of level 1, `E`"),
    ] {
        let rule = "a section's fragment begins with its heading at level 1, `# Name`, whatever its level in the file, as \
                    `inlay get` prints it";
        put_fails(Md, file, "/A/B", fragment, &format!("refused: {found}: {rule}"));
    }
    put_fails(
        Md,
        file,
        "/A/B",
        "# B\n```\nopen\n",
        "refused: another heading would change, or be none any more, as behind a code block that is left open",
    );
    put_fails(Md, file, "/A/B/C", "# C\n##### x\n", "refused: the heading `x` would have level 7, and there is none");
    put_fails(
        Md,
        file,
        "/A/B",
        "# Other\n",
        "refused: the fragment's heading is `Other` and the section's name is `B`: with another heading it is another portion",
    );
}

#[test]
fn front_matter() {
    let file = "\u{feff}---\r\ntags: [a]\r\n---\r\n\r\n# T\r\n";
    get(Md, file, "/T", "# T\n");
    get(Md, file, "front", "tags: [a]\n");
    put(Md, file, "front", "tags: [a, b] # two\nx: 1\n", &file.replace("tags: [a]", "tags: [a, b] # two\r\nx: 1"));
    put(Md, "+++\na = 1\n+++\n", "front", "a = 2\n", "+++\na = 2\n+++\n");
    put_fails(
        Md,
        "---\na: 1\n---\n",
        "front",
        "a: 2\n---\nb: 3\n",
        "refused: line 2 of the fragment would end the front matter",
    );
    insert(Md, "# T\n", "front", Format::Yaml, "a: 1\n", "---\na: 1\n---\n\n# T\n");
    insert(Md, "\u{feff}# T\n", "front", Format::Toml, "a = 1\n", "\u{feff}+++\na = 1\n+++\n\n# T\n");
    listed(Md, file, &[("front", 1, 3), ("/T", 5, 5)]);
    get_fails(Md, "---\na: 1\na: [\n---\n", "front", "unparsable: line 3, column 4: unclosed bracket '['");
    get_fails(Md, "# T\n---\na: 1\n---\n", "front", "missing: nothing stands at `front`");
    get_fails(Md, "---\n\nx\n\n---\n", "front", "missing: nothing stands at `front`");
}

#[test]
fn new_sections() {
    for (before, expression, put, after) in [
        ("", "/A", "# A\nx\n", "# A\nx\n"),
        ("# A\nx", "/A/B", "# B\ny\n", "# A\nx\n\n## B\ny"),
        ("# A\n\n## B\n\n# C\n", "/A/D", "# D\n", "# A\n\n## B\n\n## D\n\n# C\n"),
        ("# A\n# C\n", "/A/D", "# D\n", "# A\n\n## D\n\n# C\n"),
        ("# A\r\n", "/B", "# B\nx\n", "# A\r\n\r\n# B\r\nx\r\n"),
        ("# A\n\n#### B\n", "/A/C", "# C\n", "# A\n\n#### B\n\n#### C\n"),
        ("A\n===\n", "/B", "# B\n", "A\n===\n\nB\n===\n"),
    ] {
        insert_only(Md, before, expression, Format::Markdown, put, after);
        get(Md, after, expression, put);
    }
    insert_only(Md, "x\n", "/A/B", Format::Markdown, "# B\ny\n", "x\n\n# A\n\n## B\ny\n");
    remove(Md, "# A\nx\n\n# B\ny\n\n# C\n", "/B", "# A\nx\n\n# C\n");
    remove(Md, "# A\nx\n\n# B\ny\n", "/B", "# A\nx\n");
    remove(Md, "# A\nx\n# B\ny\n\n# C\n", "/B", "# A\nx\n\n# C\n");
}

const PRICES: &str = "\
# Shop

## Prices

| sku  | price | note |
| ---- | ----: | ---- |
| a-1  | 1     | x\\|y |
| b-22 | 2.50  |      |

text

## Other

name | `n`
---|---
x | 1

| a |
|---|
";

#[test]
fn tables_by_their_section() {
    get(Md, PRICES, "/Shop/Prices|table", "sku,price,note\na-1,1,x|y\nb-22,2.50,\n");
    get(Md, PRICES, "/Shop/Other|table:1", "name,`n`\nx,1\n");
    get(Md, PRICES, "/Shop/Other|table:2", "a\n");
    get(Md, "|a|b|\n|-|-|\n|1|\n", "|table", "a,b\n1,\n");
    get(Md, "# x|table\nt\n", "/x|table", "# x|table\nt\n");
    get_fails(Md, PRICES, "/Shop/Other|table", "ambiguous: `/Shop/Other|table` matches 2 portions, on lines 14, 18");
    get_fails(
        Md,
        PRICES,
        "/Shop|table",
        "missing: nothing stands at `/Shop|table`; did you mean `/Shop/Prices|table`, `/Shop/Other|table:1`, `/Shop/Other|table:2`?",
    );
    get_fails(
        Md,
        PRICES,
        "/Shop/Price|table",
        "missing: nothing stands at `/Shop/Price|table`; did you mean `/Shop/Prices|table`, `/Shop/Other|table:1`, `/Shop/Other|table:2`?",
    );
    let listed = portion::list(Md, PRICES.as_bytes()).unwrap();
    let tables: Vec<_> =
        listed.iter().filter(|item| item.kind == "table").map(|item| (&item.selector[..], item.lines)).collect();
    assert_eq!(
        tables,
        [("/Shop/Prices|table", (5, 8)), ("/Shop/Other|table:1", (14, 16)), ("/Shop/Other|table:2", (18, 19))]
    );
}

#[test]
fn cells_stay_below_each_other() {
    let at = "/Shop/Prices|table";
    let with = |old: &str, new: &str| PRICES.replace(old, new);
    put(Md, PRICES, at, "sku,price,note\na-1,12.5,x|y\nb-22,2.50,\n", &with("| 1     |", "| 12.5  |"));
    put(
        Md,
        PRICES,
        at,
        "sku,price,note\na-1,1,\nb-22,2.50,z\n",
        &with("|      |", "| z    |").replace("x\\|y", "    "),
    );
    put(
        Md,
        PRICES,
        at,
        "sku,price,note\na-1,1,x|y\nb-22,2.50,\nc,3,n\n",
        &with("2.50  |      |\n", "2.50  |      |\n| c    | 3     | n    |\n"),
    );
    put(Md, PRICES, at, "sku,price,note\nb-22,2.50,\n", &with("| a-1  | 1     | x\\|y |\n", ""));
    put(Md, PRICES, at, "sku,price,note\n", &with("| a-1  | 1     | x\\|y |\n| b-22 | 2.50  |      |\n", ""));
    put(Md, PRICES, "/Shop/Other|table:1", "name,`n`\nx,1\ny|,2\n", &with("x | 1\n", "x | 1\ny\\| | 2\n"));
    put(Md, "|a|b|\r\n|-|-|\r\n|1|2|", "|table", "a,b\n1,3\n", "|a|b|\r\n|-|-|\r\n|1|3|");
    // Other columns: those that stay keep their alignment.
    put(Md, "|a|b|\n|-|-:|\n|1|2|\n", "|table", "b,c\n2,3\n", "| b | c |\n| -: | --- |\n| 2 | 3 |\n");
    put_fails(
        Md,
        PRICES,
        at,
        "sku,price,note\n\"a\nb\",1,\n",
        "cannot say: markdown cannot say a line end in a table's cell",
    );
    insert(
        Md,
        "# A\nx\n\n# B\n",
        "/A|table",
        Format::Csv,
        "a,b\n1,2\n",
        "# A\nx\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n# B\n",
    );
    remove(Md, PRICES, "/Shop/Other|table:2", &with("\n| a |\n|---|\n", "\n"));
}
