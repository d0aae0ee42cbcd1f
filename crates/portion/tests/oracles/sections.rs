//! Headings as docutils reads them in reStructuredText, orgparse in Org, and pylatexenc in LaTeX.

use portion::{Scheme, list};

use super::{files, output};

const RST: &[&str] = &[
    "",
    "",
    "",
    "Alpha",
    "=====",
    "Beta",
    "----",
    "Gamma é",
    "~~~~~~~",
    "Al",
    "==",
    "some text",
    "  indented",
    "- item",
    "1. Number",
    "---------",
    ".. note:: x",
    ".. _target:",
    "A\n=\n",
    "B\n===\n",
    "=====\nOver\n=====\n",
    "C\n---\n",
    "D\n---\n",
    "para::",
    ":field: x",
    "| line",
    ">>> x",
];

const DOCUTILS: &str = "
import sys
try:
    import docutils.core, docutils.nodes as nodes
except ImportError:
    sys.stderr.write('docutils'); sys.exit(9)
import json
def read(text):
    settings = {'report_level': 5, 'halt_level': 5, 'doctitle_xform': False, 'sectsubtitle_xform': False, 'input_encoding': 'unicode'}
    tree = docutils.core.publish_doctree(text, settings_overrides=settings)
    if any('nconsistent' in message.astext() for message in tree.findall(nodes.system_message)):
        return None
    def paths(node, path):
        for section in node.children:
            if isinstance(section, nodes.section):
                own = path + [' '.join(section.next_node(nodes.title).astext().split())]
                yield own
                yield from paths(section, own)
    return list(paths(tree, []))
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

const ORG: &[&str] = &[
    "",
    "* A",
    "** B",
    "*** TODO C",
    "* DONE D :x:",
    "** [#A] E",
    "text",
    "*bold*",
    " * item",
    "** F *b* /i/",
    "#+begin_src",
    "#+end_src",
];

const ORGPARSE: &str = "
import sys
try:
    import orgparse
except ImportError:
    sys.stderr.write('orgparse'); sys.exit(9)
import json
def read(text):
    def path(node):
        return [] if node.is_root() else path(node.parent) + [' '.join(node.get_heading('raw').split())]
    return [path(node) for node in orgparse.loads(text)[1:]]
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

const TEX: &[&str] = &[
    "",
    "\\part{A}",
    "\\section{B}",
    "\\section*{C}",
    "\\section[s]{D d}",
    "  \\subsection{E \\emph{x}}",
    "\\subsubsection{F\\label{f}}",
    "\\paragraph{G} text",
    "\\chapter{H\n  h}",
    "% \\section{I}",
    "50\\% \\textbf{x} % \\section{J}",
    "\\begin{verbatim}\n\\section{K}\n\\end{verbatim}",
    "\\begin{itemize}\n\\item x\n\\end{itemize}",
    "\\\\ \\verb|\\section{L}|",
    "\\sectionmark{M}",
    "$a_{b}$ text",
];

const PYLATEXENC: &str = "
import sys
try:
    from pylatexenc.latexwalker import LatexWalker, LatexMacroNode, LatexWalkerParseError, get_default_latex_context_db
    from pylatexenc.macrospec import MacroSpec
except ImportError:
    sys.stderr.write('pylatexenc'); sys.exit(9)
import json, re
levels = ['part', 'chapter', 'section', 'subsection', 'subsubsection', 'paragraph', 'subparagraph']
known = get_default_latex_context_db()
known.add_context_category('headings', macros=[MacroSpec(level, '*[{') for level in levels], prepend=True)
def found(nodes):
    for node in nodes or []:
        if node is None: continue
        if isinstance(node, LatexMacroNode) and node.macroname in levels:
            title = node.nodeargd.argnlist[-1].latex_verbatim()[1:-1]
            yield levels.index(node.macroname), ' '.join(re.sub(r'\\\\label\\{.*?\\}', '', title).split())
        else:
            yield from found(getattr(node, 'nodelist', None))
def read(text):
    try: nodes = LatexWalker(text, latex_context=known, tolerant_parsing=False).get_latex_nodes()[0]
    except LatexWalkerParseError: return None
    open, paths = [], []
    for level, title in found(nodes):
        open = [it for it in open if it[0] < level] + [(level, title)]
        paths.append([title for _, title in open])
    return paths
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

/// Paths that are told once.
fn compare(scheme: Scheme, program: &str, texts: &[String], least: usize) {
    let Some(output) = output("python3", &["-c", program], &serde_json::to_vec(texts).unwrap()) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(9) {
        eprintln!("{said} is not installed: not compared with it");
        return;
    }
    assert!(output.status.success(), "{said}");
    let readings: Vec<Option<Vec<Vec<String>>>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut compared = 0;
    for (text, theirs) in texts.iter().zip(readings) {
        let (Ok(ours), Some(theirs)) = (list(scheme, text.as_bytes()), theirs) else { continue };
        let escape = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let theirs: Vec<String> = theirs.iter().map(|path| path.iter().map(escape).collect()).collect();
        let once: Vec<&String> =
            theirs.iter().filter(|path| theirs.iter().filter(|other| other == path).count() == 1).collect();
        let ours: Vec<&String> = ours.iter().map(|item| &item.selector).collect();
        assert_eq!(ours, once, "\n{text}");
        compared += once.len();
    }
    assert!(compared > least, "only {compared} headings were compared");
}

#[test]
fn restructuredtext_as_docutils_reads_it() {
    compare(Scheme::Rst, DOCUTILS, &files(1500, RST), 500);
}

#[test]
fn org_as_orgparse_reads_it() {
    compare(Scheme::Org, ORGPARSE, &files(1500, ORG), 500);
}

#[test]
fn latex_as_pylatexenc_reads_it() {
    compare(Scheme::Tex, PYLATEXENC, &files(1500, TEX), 500);
}
