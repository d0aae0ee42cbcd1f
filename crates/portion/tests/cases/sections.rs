use super::*;
use portion::Scheme::{Adoc, Org, Rst, Tex};

const NOTES: &str = "\
#+TITLE: x
* Guide
Intro.
** TODO [#A] Install [[a][b]] :tag:
#+begin_src sh
,* no headline
#+end_src
*** Deep
** Use
* Other
";

const MANUAL: &str = "\
= Manual
Author

Intro.

[[install]]
== Install

----
== none
----

=== Deep ===

Use
---

text
== none

== Other
";

const DOC: &str = "\
======
Manual
======

Intro::

  == none
  =======

.. _install:

Install
-------

text

Deep é
......

Use
-------------

Other 漢字
----------
";

const PAPER: &str = "\
\\documentclass{article}
\\newcommand{\\x}{
\\section{none}}
\\begin{document}
\\section{Intro}
text
\\subsection*{Install \\& use}\\label{i}
\\begin{verbatim}
\\section{none}
\\end{verbatim}
% \\section{none}
\\paragraph{Deep} text
\\section[short]{Long
 title}
end
\\end{document}
";

#[test]
fn org() {
    get(Org, NOTES, "/Guide/Use", "* Use\n");
    get(
        Org,
        NOTES,
        "/Guide/Install [[a][b]]",
        "* TODO [#A] Install [[a][b]] :tag:\n#+begin_src sh\n,* no headline\n#+end_src\n** Deep\n",
    );
    listed(
        Org,
        NOTES,
        &[
            ("/Guide", 2, 9),
            ("/Guide/Install [[a][b]]", 4, 8),
            ("/Guide/Install [[a][b]]/Deep", 8, 8),
            ("/Guide/Use", 9, 9),
            ("/Other", 10, 10),
        ],
    );
    // The state of a task is no part of its name.
    put(Org, NOTES, "/Guide/Use", "* DONE Use\nx\n** Sub\n", &NOTES.replace("** Use\n", "** DONE Use\nx\n*** Sub\n"));
    insert_only(Org, "* A\n", "/A/B/C", Format::Org, "* C\nx\n", "* A\n\n** B\n\n*** C\nx\n");
}

#[test]
fn asciidoc() {
    get(Adoc, MANUAL, "/Manual/Install", "[[install]]\n= Install\n\n----\n== none\n----\n\n== Deep\n");
    get(Adoc, MANUAL, "/Manual/Use", "= Use\n\ntext\n== none\n");
    // Attributes of the next block end a paragraph.
    let close = "== A\n\ntext\n[[b]]\n== B\n";
    get(Adoc, close, "/A", "= A\n\ntext\n");
    get(Adoc, close, "/B", "[[b]]\n= B\n");
    listed(
        Adoc,
        MANUAL,
        &[
            ("/Manual", 1, 21),
            ("/Manual/Install", 6, 13),
            ("/Manual/Install/Deep", 13, 13),
            ("/Manual/Use", 15, 19),
            ("/Manual/Other", 21, 21),
        ],
    );
    put(
        Adoc,
        MANUAL,
        "/Manual/Install",
        "[[install]]\n= Install\n\nNew.\n\n== Deep\n\n== More\n",
        &MANUAL.replace("----\n== none\n----", "New.").replace("Deep ===\n", "Deep ===\n\n=== More\n"),
    );
    put(Adoc, MANUAL, "/Manual/Use", "= Use\n\nother\n", &MANUAL.replace("text\n== none", "other"));
    remove(Adoc, MANUAL, "/Manual/Use", &MANUAL.replace("Use\n---\n\ntext\n== none\n\n", ""));
    insert(Adoc, MANUAL, "/Manual/New", Format::Adoc, "= New\n\nx\n", &format!("{MANUAL}\n== New\n\nx\n"));
    put_fails(
        Adoc,
        MANUAL,
        "/Manual/Use",
        "= Use\n\n----\n",
        "refused: another heading would change, or be none any more, as behind a block that is left open",
    );
}

#[test]
fn restructuredtext() {
    get(Rst, DOC, "/Manual/Install", ".. _install:\n\nInstall\n=======\n\ntext\n\nDeep é\n------\n");
    get(Rst, DOC, "/Manual/Other 漢字", "Other 漢字\n==========\n");
    listed(
        Rst,
        DOC,
        &[
            ("/Manual", 1, 24),
            ("/Manual/Install", 10, 18),
            ("/Manual/Install/Deep é", 17, 18),
            ("/Manual/Use", 20, 21),
            ("/Manual/Other 漢字", 23, 24),
        ],
    );
    // In the file's own styles; a heading that stands there keeps its line.
    put(
        Rst,
        DOC,
        "/Manual/Use",
        "Use\n===\n\nText.\n\nSub\n---\n\nSubsub\n~~~~~~\n",
        &DOC.replace("Use\n-------------\n", "Use\n-------------\n\nText.\n\nSub\n...\n\nSubsub\n~~~~~~\n"),
    );
    insert(Rst, DOC, "/Manual/New", Format::Rst, "New\n===\n", &format!("{DOC}\nNew\n---\n"));
    insert_only(Rst, "", "/A/B", Format::Rst, "B\n=\n\nx\n", "A\n===\n\nB\n---\n\nx\n");
    get_fails(
        Rst,
        "A\n===\n\nB\n---\n\nC\n===\n\nD\n~~~\n",
        "/A",
        "unparsable: line 10, column 1: the heading `D` has level 3 and stands below one of level 1",
    );
}

#[test]
fn latex() {
    get(
        Tex,
        PAPER,
        "/Intro/Install \\& use",
        "\\part*{Install \\& use}\\label{i}\n\\begin{verbatim}\n\\section{none}\n\\end{verbatim}\n% \\section{none}\n\\section{Deep} text\n",
    );
    get(Tex, PAPER, "/Long title", "\\part[short]{Long\n title}\nend\n");
    listed(
        Tex,
        PAPER,
        &[
            ("/Intro", 5, 12),
            ("/Intro/Install \\& use", 7, 12),
            ("/Intro/Install \\& use/Deep", 12, 12),
            ("/Long title", 13, 15),
        ],
    );
    put(
        Tex,
        PAPER,
        "/Long title",
        "\\part{Long title}\nnew\n\\chapter{Sub}\n",
        &PAPER.replace("\\section[short]{Long\n title}\nend\n", "\\section{Long title}\nnew\n\\subsection{Sub}\n"),
    );
    insert_only(
        Tex,
        PAPER,
        "/New",
        Format::Tex,
        "\\part{New}\nx\n",
        &PAPER.replace("end\n\\end", "end\n\n\\section{New}\nx\n\n\\end"),
    );
    put_fails(
        Tex,
        PAPER,
        "/Long title",
        "\\part{Long title}\n\\begin{x}\n",
        "refused: what `\\begin{x}` opens or closes would have no other end",
    );
    put_fails(
        Tex,
        PAPER,
        "/Intro/Install \\& use/Deep",
        "\\part{Deep}\n\\subsubsection{x}\n",
        "refused: the heading `x` would have level 10, and there is none",
    );
}

#[test]
fn what_is_refused() {
    get_fails(
        Org,
        NOTES,
        "/Guide/Instal",
        "missing: nothing stands at `/Guide/Instal`; did you mean `/Guide/Use`, `/Guide/Install [[a][b]]`?",
    );
    get_fails(Org, "* A\n* A\n", "/A", "ambiguous: `/A` matches 2 portions, on lines 1, 2");
    get_fails(Tex, PAPER, "", "selector: an empty text is no tex selector: write `/Heading/Sub-heading`");
    put_fails(
        Org,
        NOTES,
        "/Guide/Use",
        "* Used\n",
        "refused: the fragment's heading is `Used` and the section's name is `Use`: with another heading it is another portion",
    );
    put_fails(
        Rst,
        DOC,
        "/Manual/Use",
        "text\n",
        "refused: the fragment has no heading: a section's fragment begins with its heading at level 1, underlined with `=`, \
         whatever its level in the file (targets may stand above it)",
    );
}

/// A region around the section that follows, or around this one, is not this section's.
#[test]
fn markers_belong_to_the_section_that_they_are_about() {
    for (scheme, comment, close, heads) in [
        (Scheme::Md, "<!-- ", " -->", ["# A\n", "# B\n", "# C\n"]),
        (Scheme::Org, "# ", "", ["* A\n", "* B\n", "* C\n"]),
        (Scheme::Adoc, "// ", "", ["== A\n", "== B\n", "== C\n"]),
        (Scheme::Rst, ".. ", "", ["A\n===\n", "B\n===\n", "C\n===\n"]),
        (Scheme::Tex, "% ", "", ["\\part{A}\n", "\\part{B}\n", "\\part{C}\n"]),
    ] {
        let [a, b, c] = heads;
        let (begin, end) = (format!("{comment}inlay:begin r{close}\n"), format!("{comment}inlay:end r{close}\n"));
        let titled = |head: &str| head.replace("== ", "= ");
        for gap in ["", "\n"] {
            let file = format!("{a}\na\n\n{begin}{gap}{b}\nb\n\n{end}{gap}{c}\nc\n");
            let head = titled(a);
            get(scheme, &file, "/A", &format!("{head}\na\n"));
            put(scheme, &file, "/A", &format!("{head}\nnew\n"), &file.replace("\na\n", "\nnew\n"));
            let head = titled(b);
            get(scheme, &file, "/B", &format!("{head}\nb\n"));
            put(scheme, &file, "/B", &format!("{head}\nnew\n"), &file.replace("\nb\n", "\nnew\n"));
            // The last section, too.
            let file = format!("{begin}{gap}{a}\na\n\n{end}");
            get(scheme, &file, "/A", &format!("{}\na\n", titled(a)));
        }
        // A region within is the section's, and goes as a whole or not at all.
        let file = format!("{a}\n{begin}a\n{end}\n{b}\nb\n");
        let head = titled(a);
        get(scheme, &file, "/A", &format!("{head}\n{begin}a\n{end}"));
        put(scheme, &file, "/A", &format!("{head}\nnew\n"), &format!("{a}\nnew\n\n{b}\nb\n"));
        put_fails(
            scheme,
            &file,
            "/A",
            &format!("{head}\n{begin}a\n"),
            "refused: the marked region `r` would lose one of its two markers, or have one twice",
        );
    }
}
