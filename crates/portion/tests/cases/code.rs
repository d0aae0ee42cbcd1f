//! Source code. What is true of all languages is said in Rust and Python; of the others, what their tables say.

use super::*;
use portion::Scheme::{
    Bash, C, CSharp, Cpp, Css, Go, Hcl, Java, JavaScript, Lua, Php, Python, Ruby, Rust, Tsx, TypeScript,
};

const LIB: &str = r#"#![allow(x)]
//! The module.

use std::fmt;

/// How many.
pub const MANY: usize = 3; // three

/// A point.
#[derive(Debug)]
// With two.
pub struct Point {
    x: i32,
}

impl Point {
    /// One.
    #[inline]
    pub fn one() -> &'static str {
        "a
  b
    c"
    }

    fn two() {}
}

impl fmt::Display for Point {
    fn fmt(&self) {}
}

mod inner {
    fn one() {}
}
"#;

#[test]
fn items_by_their_path() {
    listed(
        Rust,
        LIB,
        &[
            ("const:MANY", 6, 7),
            ("type:Point", 9, 14),
            ("impl:Point", 16, 26),
            ("impl:Point/fn:one", 17, 23),
            ("impl:Point/fn:two", 25, 25),
            ("impl:fmt::Display for Point", 28, 30),
            ("impl:fmt::Display for Point/fn:fmt", 29, 29),
            ("mod:inner", 32, 34),
            ("mod:inner/fn:one", 33, 33),
        ],
    );
    get(Rust, LIB, "const:MANY", "/// How many.\npub const MANY: usize = 3; // three\n");
    get(Rust, LIB, "type:Point", "/// A point.\n#[derive(Debug)]\n// With two.\npub struct Point {\n    x: i32,\n}\n");
    // Lines within a string stay as they are.
    get(
        Rust,
        LIB,
        "impl:Point/fn:one",
        "/// One.\n#[inline]\npub fn one() -> &'static str {\n    \"a\n  b\n    c\"\n}\n",
    );
    get(Rust, "// A.\n\n// B.\nfn f() {}", "fn:f", "// B.\nfn f() {}\n");
    get(Rust, "let x; // A.\nfn f() {}\n", "fn:f", "fn f() {}\n");
    get(Rust, "fn f() { fn g() {} }\nfn h() {}", "fn:h", "fn h() {}\n");
}

#[test]
fn what_is_put_takes_the_indentation_of_its_place() {
    put(
        Rust,
        LIB,
        "impl:Point/fn:two",
        "fn two() {\n    1\n}\n",
        &LIB.replace("fn two() {}", "fn two() {\n        1\n    }"),
    );
    put(
        Rust,
        LIB,
        "impl:Point/fn:one",
        "fn one() {\n    r\"a\n   b\";\n}\n",
        &LIB.replace(
            "    /// One.\n    #[inline]\n    pub fn one() -> &'static str {\n        \"a\n  b\n    c\"\n",
            "    fn one() {\n        r\"a\n   b\";\n",
        ),
    );
    let class = "class A:\r\n\t@property\r\n\tdef f(self):\r\n\t\t'''a\r\nb'''\r\n\t\treturn 1\r\n";
    get(Python, class, "class:A/fn:f", "@property\ndef f(self):\n\t'''a\nb'''\n\treturn 1\n");
    put(
        Python,
        class,
        "class:A/fn:f",
        "# c\ndef f(self):\n\n\t'''x\n y'''\n",
        "class A:\r\n\t# c\r\n\tdef f(self):\r\n\r\n\t\t'''x\r\n y'''\r\n",
    );
    // What stands out to the left is left there.
    let odd = "class A:\n    def f(self):\n        x\n# odd\n        y\n";
    get(Python, odd, "class:A/fn:f", "    def f(self):\n        x\n# odd\n        y\n");
    put(Python, odd, "class:A/fn:f", "def f(self):\n    z\n", "class A:\n    def f(self):\n        z\n");
    // Blank lines at the ends are the file's.
    put(Rust, "fn f() {}\n\nfn g() {}\n", "fn:f", "\n\nfn f() { 1 }\n\n\n", "fn f() { 1 }\n\nfn g() {}\n");
    put(Rust, "fn f() {}", "fn:f", "fn f() { 1 }\n", "fn f() { 1 }");
}

#[test]
fn what_is_inserted_stands_behind_its_like() {
    insert(Rust, "fn a() {}\n", "fn:b", Format::Rust, "fn b() {}\n", "fn a() {}\n\nfn b() {}\n");
    insert(Rust, "fn a() {}", "fn:b", Format::Rust, "fn b() {}\n", "fn a() {}\n\nfn b() {}");
    insert(
        Rust,
        "const A: u8 = 1;\nconst B: u8 = 1;\n\nfn a() {}\n",
        "const:C",
        Format::Rust,
        "const C: u8 = 1;\n",
        "const A: u8 = 1;\nconst B: u8 = 1;\nconst C: u8 = 1;\n\nfn a() {}\n",
    );
    insert(
        Rust,
        LIB,
        "impl:Point/fn:three",
        Format::Rust,
        "/// Three.\nfn three() {\n    3\n}\n",
        &LIB.replace("fn two() {}\n", "fn two() {}\n\n    /// Three.\n    fn three() {\n        3\n    }\n"),
    );
    insert_only(
        Rust,
        "struct A;\n\nimpl A {}\n",
        "impl:A/fn:a",
        Format::Rust,
        "fn a() {\n    1\n}\n",
        "struct A;\n\nimpl A {\n    fn a() {\n        1\n    }\n}\n",
    );
    insert(Rust, "impl A {\n}\n", "impl:A/fn:a", Format::Rust, "fn a() {}\n", "impl A {\n    fn a() {}\n}\n");
    insert(
        Python,
        "def a():\n    pass\n",
        "fn:b",
        Format::Python,
        "def b():\n    pass\n",
        "def a():\n    pass\n\n\ndef b():\n    pass\n",
    );
    insert(
        Python,
        "class A:\n  def a(self):\n    pass\n\n\nif True:\n  A()\n",
        "class:A/fn:b",
        Format::Python,
        "@x\ndef b(self):\n  pass\n",
        "class A:\n  def a(self):\n    pass\n\n  @x\n  def b(self):\n    pass\n\n\nif True:\n  A()\n",
    );
    insert_only(
        Python,
        "class A:\n    x: int\n",
        "class:A/fn:b",
        Format::Python,
        "def b(self):\n    pass\n",
        "class A:\n    x: int\n\n    def b(self):\n        pass\n",
    );
    insert_only(Python, "", "fn:a", Format::Python, "def a(): 1\n", "def a(): 1\n");
    insert_only(Python, "import os\n\n", "fn:a", Format::Python, "def a(): 1\n", "import os\n\n\ndef a(): 1\n\n");
    remove(Rust, "fn a() {}\n\n\n/// B.\nfn b() {}\n\nfn c() {}\n", "fn:b", "fn a() {}\n\n\nfn c() {}\n");
    remove(Rust, "impl A {\n    fn a() {}\n\n    fn b() {}\n}\n", "impl:A/fn:a", "impl A {\n    fn b() {}\n}\n");
}

#[test]
fn queries_find_one_node() {
    let file = "fn a() { b(1, \"x\"); }\n\n// C.\nfn c() {}\n";
    get(Rust, file, "query:(string_literal) @x", "\"x\"");
    put(Rust, file, "query:(string_literal) @x", "\"yy\"\n", &file.replace("\"x\"", "\"yy\""));
    get(Rust, file, "query:((function_item name: (identifier) @n) (#eq? @n \"c\"))", "c");
    get(Rust, file, "query:(line_comment) @c", "// C.\n");
    remove(Rust, file, "query:(line_comment) @c", "fn a() { b(1, \"x\"); }\n\nfn c() {}\n");
    put_fails(
        Rust,
        file,
        "query:(string_literal) @x",
        "\"y",
        "refused: the fragment does not parse there, in its line 1, column 1: `\"` is not understood here",
    );
    get_fails(
        Rust,
        file,
        "query:(function_item) @x",
        "ambiguous: `query:(function_item) @x` matches 2 portions, on lines 1, 4",
    );
    get_fails(Rust, file, "query:(char_literal) @x", "missing: nothing stands at `query:(char_literal) @x`");
    get_fails(
        Rust,
        file,
        "query:(no_such) @x",
        "selector: `query:(no_such) @x` is no rust selector: the grammar has no node `no_such`, at character 2 of the query",
    );
    get_fails(
        Rust,
        file,
        "query:(function_item)",
        "selector: `query:(function_item)` is no rust selector: write exactly one capture, `@x`, behind what is meant: there are 0",
    );
}

#[test]
fn what_is_refused() {
    let file = "fn aa() {}\n\nfn bb() {\n    1\n}\n\nfn bb() {}\n";
    get_fails(Rust, file, "fn:a", "missing: nothing stands at `fn:a`; did you mean `fn:aa`, `fn:bb`?");
    get_fails(Rust, file, "fn:bb", "ambiguous: `fn:bb` matches 2 portions, on lines 3, 7");
    get(Rust, file, "fn:bb[2]", "fn bb() {}\n");
    get_fails(
        Rust,
        file,
        "class:aa",
        "selector: `class:aa` is no rust selector: `class` is no kind in rust; write `fn:`, `type:`, `impl:`, `mod:`, `const:`, \
         `macro:` and a name, `KIND:NAME/KIND:NAME` for what stands in another, or `query:`",
    );
    put_fails(
        Rust,
        file,
        "fn:aa",
        "fn cc() {}\n",
        "refused: the fragment is `fn:cc`, and the portion `fn:aa`: with another name it is another portion",
    );
    put_fails(
        Rust,
        file,
        "fn:aa",
        "fn aa() {\n    (1\n}\n",
        "refused: the fragment does not parse there, in its line 2, column 7: `)` is missing here",
    );
    put_fails(
        Rust,
        file,
        "fn:aa",
        "fn aa() {}\n\nfn dd() {}\n",
        "refused: the fragment is more than `fn:aa`: something stands in its line 3 that is no part of it (a comment above belongs \
         to it without a blank line between)",
    );
    put_fails(
        Rust,
        file,
        "fn:aa",
        "// far\n\nfn aa() {}\n",
        "refused: the fragment is more than `fn:aa`: something stands in its line 1 that is no part of it (a comment above belongs \
         to it without a blank line between)",
    );
    let python = Fragment { format: Format::Python, text: b"def aa(): pass\n".to_vec() };
    assert_eq!(said(portion::put(Rust, file.as_bytes(), "fn:aa", &python)), "refused: `fn:aa` holds rust, not python");
    // What is broken elsewhere does no harm; what is broken itself is no portion.
    let broken = "fn a() {}\n\nfn b() {\n    let = ;\n}\n";
    put(Rust, broken, "fn:a", "fn a() { 1 }\n", &broken.replace("a() {}", "a() { 1 }"));
    get_fails(Rust, broken, "fn:b", "unparsable: line 4, column 5: `let =` is not understood here");
    get_fails(
        Rust,
        broken,
        "fn:c",
        "unparsable: line 4, column 5: nothing stands at `fn:c` in what can be read; `let =` is not understood here",
    );
    get_fails(
        JavaScript,
        "function a() {} function b() {}\n",
        "fn:b",
        "refused: `fn:b` shares its lines with other code (line 1); a portion is whole lines",
    );
    put_fails(
        JavaScript,
        "const a = 1;\n(f)();\n",
        "const:a",
        "const a = 1\n",
        "refused: the fragment is no `const:a` at this place",
    );
    let sole = "class A:\n    def f(self):\n        pass\n";
    assert_eq!(
        said(portion::remove(Python, sole.as_bytes(), "class:A/fn:f")),
        "refused: what stands around would be read otherwise, as behind a brace or a quote that is left open, or where a block \
         would hold nothing"
    );
    let insert = |file: &str, expression| {
        let new = Fragment { format: Format::Rust, text: b"fn f() {}\n".to_vec() };
        said(portion::insert(Rust, file.as_bytes(), expression, &new))
    };
    assert_eq!(
        insert(file, "impl:A/fn:f"),
        "refused: `impl:A`, in which it would stand, is missing; insert that first"
    );
    assert_eq!(
        insert(file, "fn:aa/fn:f"),
        "refused: where in `fn:aa` it would stand is not clear: order matters there"
    );
    assert_eq!(
        insert(file, "fn:x"),
        "refused: the fragment is `fn:f`, and the portion `fn:x`: with another name it is another portion"
    );
}

#[test]
fn python() {
    listed(
        Python,
        "#!/usr/bin/python3\n# A.\nX: int = 1\n(Y, Z) = 1, 2\ntry:\n    W = 1\nexcept E:\n    W = 2\n@d\nclass A:\n    # first\n    k = 1\n    async def f(self):\n        x = 1\n        def g(): pass\n",
        &[
            ("const:X", 2, 3),
            ("const:Y", 4, 4),
            ("const:Z", 4, 4),
            ("const:W[1]", 6, 6),
            ("const:W[2]", 8, 8),
            ("class:A", 9, 15),
            ("class:A/const:k", 11, 12),
            ("class:A/fn:f", 13, 15),
            ("class:A/fn:f/fn:g", 15, 15),
        ],
    );
}

#[test]
fn javascript_and_typescript() {
    let file = "\
// A.
export const a = () => 1, b = 2;
export default class K extends L {
  static n = 1;
  #p = () => 2
  m() { return function () {}; }
}
exports.f = function () {
  const local = 1;
};
function* g() {}
var v = `
x`
";
    listed(
        JavaScript,
        file,
        &[
            ("const:a", 1, 2),
            ("const:b", 1, 2),
            ("class:K", 3, 7),
            ("class:K/const:n", 4, 4),
            ("class:K/fn:#p", 5, 5),
            ("class:K/fn:m", 6, 6),
            ("fn:exports.f", 8, 10),
            ("fn:g", 11, 11),
            ("const:v", 12, 13),
        ],
    );
    get(JavaScript, file, "class:K/const:n", "static n = 1;\n");
    let typed = "\
export interface I {
  m(): void;
}
declare function f(x: number): void;
function f(x: any) {}
namespace N {
  export type T = 'a';
  const c: T = 'a';
}
abstract class A {
  @dec()
  private x = 1;
  abstract y(): void;
}
";
    let items: &[(&str, usize, usize)] = &[
        ("type:I", 1, 3),
        ("type:I/decl:m", 2, 2),
        ("decl:f", 4, 4),
        ("fn:f", 5, 5),
        ("mod:N", 6, 9),
        ("mod:N/type:T", 7, 7),
        ("mod:N/const:c", 8, 8),
        ("class:A", 10, 14),
        ("class:A/const:x", 11, 12),
        ("class:A/fn:y", 13, 13),
    ];
    listed(TypeScript, typed, items);
    listed(Tsx, typed, items);
    let component = "export function App() {\n  return (\n    <div>\n      text\n    </div>\n  );\n}\n";
    get(Tsx, component, "fn:App", component);
}

#[test]
fn go_and_java() {
    listed(
        Go,
        "package a\n\n// S.\ntype S[T any] struct {\n\tx int\n}\n\nfunc (s *S[T]) F() {}\n\nfunc F() {\n\tvar l = 1\n}\n\nconst (\n\tA = 1\n\t// B.\n\tB = 2\n)\n\nvar v = `\n`\n",
        &[
            ("type:S", 3, 6),
            ("fn:S.F", 8, 8),
            ("fn:F", 10, 12),
            ("const:A", 15, 15),
            ("const:B", 16, 17),
            ("const:v", 20, 21),
        ],
    );
    let java = "\
package a;

/** K. */
@Deprecated
public class K<T> {
    static final int N = 1; // one

    public K() {}

    void f(int a) {
        int local = 1;
    }

    void f(String a) {}

    enum E { A, B }

    record R(int x) {}
}
";
    listed(
        Java,
        java,
        &[
            ("class:K", 3, 19),
            ("class:K/const:N", 6, 6),
            ("class:K/fn:K", 8, 8),
            ("class:K/fn:f[1]", 10, 12),
            ("class:K/fn:f[2]", 14, 14),
            ("class:K/type:E", 16, 16),
            ("class:K/type:R", 18, 18),
        ],
    );
    put(
        Java,
        java,
        "class:K/fn:f[2]",
        "void f(String a) {\n    g();\n}\n",
        &java.replace("String a) {}", "String a) {\n        g();\n    }"),
    );
}

#[test]
fn c_and_cpp() {
    let file = "\
#ifndef A_H
#define A_H
#define SQUARE(x) \\
    ((x) * (x))

struct point {
    int x;
};

typedef struct {
    int y;
} other;

static const char *name = \"x\";
int declared(void);

#ifdef X
/* Pointer. */
char **f(int a, char *b)
{
    int local;
}
#endif
#endif
";
    let items: &[(&str, usize, usize)] = &[
        ("macro:A_H", 2, 2),
        ("macro:SQUARE", 3, 4),
        ("type:point", 6, 8),
        ("type:point/const:x", 7, 7),
        ("type:other", 10, 12),
        ("type:other/const:y", 11, 11),
        ("const:name", 14, 14),
        ("decl:declared", 15, 15),
        ("fn:f", 18, 22),
    ];
    listed(C, file, items);
    listed(Cpp, file, items);
    get(C, file, "type:point", "struct point {\n    int x;\n};\n");
    put(
        C,
        file,
        "type:point",
        "struct point { long x; };\n",
        &file.replace("point {\n    int x;\n}", "point { long x; }"),
    );
    listed(
        Cpp,
        "namespace a::b {\ntemplate <class T>\nclass K : public L {\n public:\n  K();\n  int &f() { return x; }\n  bool operator==(const K &) const;\n  int x;\n};\nint &K::g() {\n}\nusing T = int;\n}\n",
        &[
            ("mod:a::b", 1, 13),
            ("mod:a::b/class:K", 2, 9),
            ("mod:a::b/class:K/decl:K", 5, 5),
            ("mod:a::b/class:K/fn:f", 6, 6),
            ("mod:a::b/class:K/decl:operator==", 7, 7),
            ("mod:a::b/class:K/const:x", 8, 8),
            ("mod:a::b/fn:K::g", 10, 11),
            ("mod:a::b/type:T", 12, 12),
        ],
    );
}

#[test]
fn ruby_and_php() {
    listed(
        Ruby,
        "# frozen\nTEXT = <<~EOS # c\n  a\n  EOS\n\nmodule M\n  class K < L\n    # F.\n    def f?(a) = a\n    def self.g\n      x = 1\n    end\n  end\nend\n",
        &[
            ("const:TEXT", 1, 4),
            ("mod:M", 6, 14),
            ("mod:M/class:K", 7, 13),
            ("mod:M/class:K/fn:f?", 8, 9),
            ("mod:M/class:K/fn:self.g", 10, 12),
        ],
    );
    let php = "<?php\nnamespace A;\n\nconst X = 1;\n$y = 2;\n\n#[Attr]\nclass K\n{\n    const C = 1;\n    private ?int $p = null;\n\n    /** F. */\n    public function f(): string\n    {\n        return <<<EOT\n  a\n  EOT;\n    }\n}\n\nfunction g() {}\n";
    listed(
        Php,
        php,
        &[
            ("const:X", 4, 4),
            ("const:$y", 5, 5),
            ("class:K", 7, 20),
            ("class:K/const:C", 10, 10),
            ("class:K/const:$p", 11, 11),
            ("class:K/fn:f", 13, 19),
            ("fn:g", 22, 22),
        ],
    );
    get(Php, php, "class:K/fn:f", "/** F. */\npublic function f(): string\n{\n    return <<<EOT\n  a\n  EOT;\n}\n");
    put(Php, php, "class:K/const:C", "// c\nconst C = 2;\n", &php.replace("const C = 1;", "// c\n    const C = 2;"));
    insert(Php, php, "fn:h", Format::Php, "function h()\n{\n}\n", &format!("{php}\nfunction h()\n{{\n}}\n"));
}

#[test]
fn bash_and_lua() {
    let script = "#!/bin/bash\n# A.\nA=1\nexport B=2\nC=3 run\n\nf() {\n\tlocal l=1\n\tcat <<EOF\na\nEOF\n}\nfunction g {\n  :\n}\n";
    listed(Bash, script, &[("const:A", 2, 3), ("const:B", 4, 4), ("fn:f", 7, 12), ("fn:g", 13, 15)]);
    put(Bash, script, "const:B", "export B='x y'\n", &script.replace("B=2", "B='x y'"));
    listed(
        Lua,
        "local M = {}\n\n--- F.\nfunction M.f(a)\n  local x = 1\nend\n\nlocal function g() end\nM.h = function() end\nM.k = [[\n a]]\nreturn M\n",
        &[("const:M", 1, 1), ("fn:M.f", 3, 6), ("fn:g", 8, 8), ("fn:M.h", 9, 9), ("const:M.k", 10, 11)],
    );
}

#[test]
fn csharp() {
    listed(
        CSharp,
        "using System;\n\nnamespace A.B\n{\n    /// <summary>K.</summary>\n    [Obsolete]\n    public class K<T> : L\n    {\n        private const int N = 1;\n        public int P { get; set; }\n        public K() {}\n        public static K<T> operator +(K<T> a, K<T> b) => a;\n        public void F<U>()\n        {\n            int local = 1;\n        }\n    }\n\n    public record R(int X);\n    public enum E { A }\n}\n",
        &[
            ("mod:A.B", 3, 21),
            ("mod:A.B/class:K", 5, 17),
            ("mod:A.B/class:K/const:N", 9, 9),
            ("mod:A.B/class:K/prop:P", 10, 10),
            ("mod:A.B/class:K/fn:K", 11, 11),
            ("mod:A.B/class:K/fn:+", 12, 12),
            ("mod:A.B/class:K/fn:F", 13, 16),
            ("mod:A.B/type:R", 19, 19),
            ("mod:A.B/type:E", 20, 20),
        ],
    );
}

#[test]
fn hcl_and_css() {
    let main = "# A.\nresource \"aws_x\" \"a/b\" {\n  # n\n  name = \"x\"\n  text = <<-EOT\n a\n  EOT\n\n  tags {\n    k = 1\n  }\n}\n\nlocals {}\nregion = \"eu\"\n";
    listed(
        Hcl,
        main,
        &[
            (r#"block:"resource \"aws_x\" \"a/b\"""#, 1, 12),
            (r#"block:"resource \"aws_x\" \"a/b\""/const:name"#, 3, 4),
            (r#"block:"resource \"aws_x\" \"a/b\""/const:text"#, 5, 7),
            (r#"block:"resource \"aws_x\" \"a/b\""/block:tags"#, 9, 11),
            (r#"block:"resource \"aws_x\" \"a/b\""/block:tags/const:k"#, 10, 10),
            ("block:locals", 14, 14),
            ("const:region", 15, 15),
        ],
    );
    let plain = main.replace("a/b", "ab");
    get(Hcl, &plain, "block:resource \"aws_x\" \"ab\"/const:name", "# n\nname = \"x\"\n");
    insert(
        Hcl,
        &plain,
        "block:resource \"aws_x\" \"ab\"/block:tags/const:l",
        Format::Hcl,
        "l = 2\n",
        &plain.replace("    k = 1\n", "    k = 1\n    l = 2\n"),
    );
    insert_only(
        Hcl,
        &plain,
        "block:output \"o\"",
        Format::Hcl,
        "output \"o\" {\n}\n",
        &plain.replace("locals {}\n", "locals {}\n\noutput \"o\" {\n}\n\n"),
    );
    let style = "@import 'x';\n/* B. */\n.btn,\na[href] > b {\n  color: red;\n  --c: 1px\n}\n@media (max-width: 600px) {\n  .btn { color: blue; }\n}\n@keyframes k {\n  from { top: 0; }\n}\n";
    listed(
        Css,
        style,
        &[
            ("rule:.btn, a[href] > b", 2, 7),
            ("rule:.btn, a[href] > b/prop:color", 5, 5),
            ("rule:.btn, a[href] > b/prop:--c", 6, 6),
            ("rule:@media (max-width: 600px)", 8, 10),
            ("rule:@media (max-width: 600px)/rule:.btn", 9, 9),
            ("rule:@keyframes k", 11, 13),
            ("rule:@keyframes k/rule:from", 12, 12),
        ],
    );
    put(
        Css,
        style,
        "rule:@media (max-width: 600px)/rule:.btn",
        ".btn {\n  color: green;\n}\n",
        &style.replace("  .btn { color: blue; }", "  .btn {\n    color: green;\n  }"),
    );
}

#[test]
fn one_declaration_of_several_names() {
    listed(
        Python,
        "A, (b, *c) = 1, (2, 3)\nx[0], y.z = 1, 2\n",
        &[("const:A", 1, 1), ("const:b", 1, 1), ("const:c", 1, 1)],
    );
    listed(
        JavaScript,
        "const { a, b: c, d = 1, ...e } = f;\nlet [g, , h] = i;\nvar j = 1,\n  k;\n",
        &[
            ("const:a", 1, 1),
            ("const:c", 1, 1),
            ("const:d", 1, 1),
            ("const:e", 1, 1),
            ("const:g", 2, 2),
            ("const:h", 2, 2),
            ("const:j", 3, 4),
            ("const:k", 3, 4),
        ],
    );
    listed(
        Go,
        "package a\n\nvar x, y = 1, 2\n\nconst (\n\tA, B = 1, 2\n\tC = 3\n)\n",
        &[("const:x", 3, 3), ("const:y", 3, 3), ("const:A", 6, 6), ("const:B", 6, 6), ("const:C", 7, 7)],
    );
    listed(Lua, "local a, b = 1, 2\n", &[("const:a", 1, 1), ("const:b", 1, 1)]);
    listed(Ruby, "A, b = 1, 2\n", &[("const:A", 1, 1), ("const:b", 1, 1)]);
    listed(C, "int a, *b = 0, c[2];\n", &[("const:a", 1, 1), ("const:b", 1, 1), ("const:c", 1, 1)]);
    listed(
        Java,
        "class K {\n    int a, b = 1;\n}\n",
        &[("class:K", 1, 3), ("class:K/const:a", 2, 2), ("class:K/const:b", 2, 2)],
    );
    let file = "A, B = 1, 2\n\n\ndef f(): pass\n";
    get(Python, file, "const:B", "A, B = 1, 2\n");
    put(Python, file, "const:B", "B, A = 3, 4\n", &file.replace("A, B = 1, 2", "B, A = 3, 4"));
    put_fails(
        Python,
        file,
        "const:B",
        "B = 3\n",
        "refused: the fragment declares `B`, and what stands there `A`, `B`: declare the same names",
    );
    assert_eq!(
        said(portion::remove(Python, file.as_bytes(), "const:B")),
        "refused: one declaration has the names `A`, `B`: without it, the others would be gone, too; edit it instead"
    );
}

#[test]
fn what_shares_its_lines_is_told() {
    let omitted = |scheme, file: &str| -> Vec<String> {
        portion::omitted(scheme, file.as_bytes()).unwrap().iter().map(LensError::to_string).collect()
    };
    let told = "refused: what shares its lines with other code, since a portion is whole lines: ";
    assert_eq!(
        omitted(JavaScript, "function a() {} function b() {}\nfunction c() {}\n"),
        [format!("{told}`fn:a` (line 1), `fn:b` (line 1)")]
    );
    // What is in a line that is a portion is no secret, nor is the same item again.
    assert_eq!(omitted(Css, ".a { color: red; }\n"), [""; 0]);
    assert_eq!(omitted(Go, "package a\n\nvar x = `\n`\n"), [""; 0]);
}

#[test]
fn a_fault_is_told_where_it_is() {
    let script = "#!/bin/bash\n# A.\nA=1\n\nf() {\n\techo 1\n}\n";
    let said = |new: &str| {
        let new = Fragment { format: Format::Bash, text: new.as_bytes().to_vec() };
        said(portion::put(Bash, script.as_bytes(), "fn:f", &new))
    };
    let fragments =
        ["f() {\n\techo \"1\n}\n", "f() {\n\tif true; then\n\t\techo 1\n}\n", "f() {\n\techo 1\n\techo )\n}\n"];
    // The parser skips all of it, up to the script's first line.
    assert_eq!(
        fragments.map(said),
        [3, 4, 4].map(|last| format!(
            "refused: the fragment does not parse there, in its lines 1 to {last}: a quote, a bracket or a block is left open, or a \
             word is out of place"
        ))
    );
}

#[test]
fn a_file_of_utf_8_stays_one() {
    let new = Fragment { format: Format::Rust, text: b"fn a() {\n    // \xe9\n}\n".to_vec() };
    assert_eq!(
        said(portion::put(Rust, b"fn a() {}\n", "fn:a", &new)),
        "refused: the file is UTF-8, and what is put is not (a byte 0xE9 in its line 2): convert that first"
    );
    let cell = Fragment { format: Format::Text, text: b"\xe9".to_vec() };
    assert_eq!(
        said(portion::put(portion::Scheme::Csv, b"id,n\n1,a\n", "cell id=1/n", &cell)),
        "refused: the file is UTF-8, and what is put is not (a byte 0xE9 in its line 1): convert that first"
    );
    let latin = portion::put(Rust, b"// \xe9\n\nfn a() {}\n", "fn:a", &new).unwrap().unwrap();
    assert_eq!(latin, b"// \xe9\n\nfn a() {\n    // \xe9\n}\n");
}
