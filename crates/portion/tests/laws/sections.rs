//! Texts with headings: Org, AsciiDoc, reStructuredText, LaTeX.

use portion::Scheme;
use proptest::prelude::*;

/// A section holds another, or stands in it; the whole parents of one that comes or goes are touched, too.
pub(crate) fn related(a: &str, b: &str) -> bool {
    a == b || a.starts_with(&format!("{b}/")) || b.starts_with(&format!("{a}/"))
}

const ORG: &[&str] = &[
    "* A",
    "* B",
    "** TODO A :tag:x:",
    "** [#B] C",
    "*** D *bold*",
    "*bold* text",
    "#+begin_src sh\n,* x\n#+end_src",
    "text",
    "  * no headline",
    "",
    "",
    ":PROPERTIES:\n:ID: x\n:END:",
];

const ADOC: &[&str] = &[
    "= A",
    "== A",
    "== B ==",
    "[[c]]\n== C",
    "[#d.role]\n\n=== D",
    "B\n-",
    "Long\n====",
    "Deep\n~~~~",
    "----\n== none\n----",
    "====\n== none\n====",
    "[discrete]\n== none",
    "text",
    "text\n== none",
    "// comment",
    ":attr: x",
    "",
    "",
    "|===\n|== x\n|===",
    ".Title\n....\nx\n....",
];

const RST: &[&str] = &[
    "A\n=",
    "B\n====",
    "====\n A\n====",
    "C\n---",
    "D é\n---",
    ".. _x:\n\nE\n---",
    "F\n~~~~~",
    "text",
    "text\nmore\n====",
    "  indented\n  --------",
    "- item\n======",
    "::\n\n  X\n  =",
    "",
    "",
    "----------",
    "=====  =====\na      b\n=====  =====\n",
    ".. note:: x\n   y",
];

const TEX: &[&str] = &[
    "\\chapter{A}",
    "\\section{A}",
    "\\section*{B \\& \\emph{x}}\\label{b}",
    "\\subsection[short]{C\\label{c}}",
    "\\subsubsection{D\n  more} % x",
    "  \\paragraph{E} text",
    "\\begin{verbatim}\n\\section{none}\n\\end{verbatim}",
    "% \\section{none}",
    "text \\section{none}",
    "\\begin{itemize}\n\\item x\n\\end{itemize}",
    "text 5\\% % c",
    "",
    "",
    "\\sectionmark{x}",
];

pub(crate) fn files(scheme: Scheme) -> BoxedStrategy<Vec<u8>> {
    let lines = match scheme {
        Scheme::Org => ORG,
        Scheme::Adoc => ADOC,
        Scheme::Rst => RST,
        _ => TEX,
    };
    let document = scheme == Scheme::Tex;
    (prop::collection::vec((prop::sample::select(lines), any::<u8>()), 0..14), any::<(bool, bool)>(), any::<u8>())
        .prop_map(move |(lines, (crlf, final_end), style)| {
            let mut text = String::new();
            for (line, blank) in lines {
                text.push_str(line);
                text.push_str(if blank % 3 == 0 { "\n" } else { "\n\n" });
            }
            if document && style % 2 == 0 {
                text = format!(
                    "\\newcommand{{\\x}}{{%\n\\section{{no}}}}\n\\begin{{document}}\n{text}\\end{{document}}\n"
                );
            }
            if !final_end {
                text.truncate(text.trim_end().len());
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if style % 7 == 0 { "\u{feff}" } else { "" }).into_bytes()
        })
        // What docutils calls inconsistent is no file of ours either.
        .prop_filter("parses", move |file| portion::list(scheme, file).is_ok())
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A section with another text: PutGet, and the sections beside it stay.
    #[test]
    fn texts(which in 0usize..4, org in files(Scheme::Org), adoc in files(Scheme::Adoc), rst in files(Scheme::Rst), tex in files(Scheme::Tex),
        seed in any::<prop::sample::Index>(), added in prop::sample::select(vec!["more", "\nmore\n", "", "a\n\nb\n"])) {
        let (scheme, file) = [(Scheme::Org, org), (Scheme::Adoc, adoc), (Scheme::Rst, rst), (Scheme::Tex, tex)][which].clone();
        let items = portion::list(scheme, &file).unwrap();
        if items.is_empty() {
            return Ok(());
        }
        let at = &items[seed.index(items.len())].selector;
        let standing = portion::get(scheme, &file, at).unwrap();
        let text = format!("{}{added}", String::from_utf8(standing.text.clone()).unwrap()).into_bytes();
        let Ok(text) = standing.format.tidy(&text).map(|text| text.into_owned()) else { return Ok(()) };
        let new = portion::Fragment { format: standing.format, text };
        match portion::put(scheme, &file, at, &new) {
            Ok(None) => prop_assert_eq!(&standing, &new),
            Ok(Some(written)) => {
                prop_assert_eq!(&portion::get(scheme, &written, at).unwrap(), &new);
                for other in items.iter().filter(|other| !related(&other.selector, at)) {
                    prop_assert_eq!(portion::get(scheme, &file, &other.selector), portion::get(scheme, &written, &other.selector));
                }
            }
            Err(portion::LensError::Refused(_)) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
