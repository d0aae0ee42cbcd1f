//! The languages.

use super::Code;
use super::language::{Language, Name, Only, item, named};
use crate::lens::Format;

/// Rust.
pub(crate) const RUST: Code = Code(&Language {
    name: "rust",
    format: Format::Rust,
    grammar: || tree_sitter_rust::LANGUAGE.into(),
    items: &[
        named("function_item", "fn"),
        named("function_signature_item", "fn"),
        named("struct_item", "type"),
        named("enum_item", "type"),
        named("union_item", "type"),
        named("trait_item", "type"),
        named("type_item", "type"),
        named("associated_type", "type"),
        item("impl_item", "impl", Name::Both("trait", " for ", "type")),
        named("mod_item", "mod"),
        named("const_item", "const"),
        named("static_item", "const"),
        named("macro_definition", "macro"),
    ],
    comments: &["line_comment", "block_comment"],
    leading: &["attribute_item"],
    wrappers: &[],
    local: &["closure_expression"],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[("impl X {\n", "}\n"), ("trait X {\n", "}\n")],
});

/// Python.
pub(crate) const PYTHON: Code = Code(&Language {
    name: "python",
    format: Format::Python,
    grammar: || tree_sitter_python::LANGUAGE.into(),
    items: &[
        named("function_definition", "fn"),
        named("class_definition", "class"),
        item("type_alias_statement", "type", Name::Field("left")),
        item("expression_statement", "const", Name::Only("assignment", "left")),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &["decorated_definition"],
    local: &["lambda", "for_statement", "while_statement", "with_statement"],
    fills_blocks: true,
    is_indented: true,
    gap: 2,
    around: &[],
});

/// What is written in place of `function`.
const FUNCTIONS: &[&str] = &["arrow_function", "function_expression", "generator_function"];

macro_rules! scripts {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $format:ident, $grammar:expr;)*) => {
        $($(#[$doc])*
        pub(crate) const $constant: Code = Code(&Language {
            name: $name,
            format: Format::$format,
            grammar: || $grammar.into(),
            items: &[
                named("function_declaration", "fn"),
                named("generator_function_declaration", "fn"),
                named("function_signature", "decl"),
                named("class_declaration", "class"),
                named("abstract_class_declaration", "class"),
                named("method_definition", "fn"),
                named("abstract_method_signature", "fn"),
                named("method_signature", "decl"),
                item("field_definition", "fn", Name::Field("property")).only(Only::Value("value", FUNCTIONS)),
                item("field_definition", "const", Name::Field("property")),
                named("public_field_definition", "fn").only(Only::Value("value", FUNCTIONS)),
                named("public_field_definition", "const"),
                item("lexical_declaration", "fn", Name::Only("variable_declarator", "name"))
                    .only(Only::Holding("variable_declarator", "value", FUNCTIONS)),
                item("lexical_declaration", "const", Name::Only("variable_declarator", "name")),
                item("variable_declaration", "fn", Name::Only("variable_declarator", "name"))
                    .only(Only::Holding("variable_declarator", "value", FUNCTIONS)),
                item("variable_declaration", "const", Name::Only("variable_declarator", "name")),
                item("expression_statement", "fn", Name::Only("assignment_expression", "left"))
                    .only(Only::Holding("assignment_expression", "right", FUNCTIONS)),
                item("expression_statement", "const", Name::Only("assignment_expression", "left")),
                named("interface_declaration", "type"),
                named("type_alias_declaration", "type"),
                named("enum_declaration", "type"),
                named("internal_module", "mod"),
                named("module", "mod"),
            ],
            comments: &["comment", "html_comment"],
            leading: &["decorator"],
            wrappers: &["export_statement", "ambient_declaration", "expression_statement"],
            local: &[
                "arrow_function", "function_expression", "generator_function", "if_statement", "for_statement",
                "for_in_statement", "while_statement", "do_statement", "switch_statement", "try_statement",
            ],
            fills_blocks: false,
            is_indented: false,
            gap: 1,
            around: &[("class X {\n", "}\n"), ("abstract class X {\n", "}\n"), ("interface X {\n", "}\n")],
        });)*
    };
}

scripts! {
    /// JavaScript, with JSX.
    JAVASCRIPT = "javascript", JavaScript, tree_sitter_javascript::LANGUAGE;
    /// TypeScript.
    TYPESCRIPT = "typescript", TypeScript, tree_sitter_typescript::LANGUAGE_TYPESCRIPT;
    /// TypeScript with JSX.
    TSX = "tsx", Tsx, tree_sitter_typescript::LANGUAGE_TSX;
}

/// Go.
pub(crate) const GO: Code = Code(&Language {
    name: "go",
    format: Format::Go,
    grammar: || tree_sitter_go::LANGUAGE.into(),
    items: &[
        named("function_declaration", "fn"),
        item("method_declaration", "fn", Name::Method),
        item("type_declaration", "type", Name::Only("type_spec", "name")),
        item("type_declaration", "type", Name::Only("type_alias", "name")),
        named("type_spec", "type"),
        named("type_alias", "type"),
        item("const_declaration", "const", Name::Only("const_spec", "name")),
        named("const_spec", "const"),
        item("var_declaration", "const", Name::Only("var_spec", "name")),
        named("var_spec", "const"),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &[],
    local: &["func_literal", "block"],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[("package x\n", "")],
});

/// Java.
pub(crate) const JAVA: Code = Code(&Language {
    name: "java",
    format: Format::Java,
    grammar: || tree_sitter_java::LANGUAGE.into(),
    items: &[
        named("class_declaration", "class"),
        named("interface_declaration", "type"),
        named("enum_declaration", "type"),
        named("record_declaration", "type"),
        named("annotation_type_declaration", "type"),
        named("method_declaration", "fn"),
        named("annotation_type_element_declaration", "fn"),
        named("constructor_declaration", "fn"),
        named("compact_constructor_declaration", "fn"),
        item("field_declaration", "const", Name::Only("variable_declarator", "name")),
        item("constant_declaration", "const", Name::Only("variable_declarator", "name")),
        named("module_declaration", "mod"),
    ],
    comments: &["line_comment", "block_comment"],
    leading: &[],
    wrappers: &[],
    local: &["lambda_expression", "block"],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[("class X {\n", "}\n"), ("interface X {\n", "}\n"), ("record X() {\n", "}\n")],
});

macro_rules! c_family {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $format:ident, $grammar:expr;)*) => {
        $($(#[$doc])*
        pub(crate) const $constant: Code = Code(&Language {
            name: $name,
            format: Format::$format,
            grammar: || $grammar.into(),
            items: &[
                item("function_definition", "fn", Name::Chain("declarator")),
                item("type_definition", "type", Name::Chain("declarator")),
                named("struct_specifier", "type").only(Only::With("body")),
                named("union_specifier", "type").only(Only::With("body")),
                named("enum_specifier", "type").only(Only::With("body")),
                named("class_specifier", "class").only(Only::With("body")),
                named("alias_declaration", "type"),
                item("concept_definition", "type", Name::Field("name")),
                named("namespace_definition", "mod"),
                item("declaration", "decl", Name::Chain("declarator")).only(Only::Through("declarator", "function_declarator")),
                item("declaration", "const", Name::Chain("declarator")),
                item("field_declaration", "decl", Name::Chain("declarator"))
                    .only(Only::Through("declarator", "function_declarator")),
                item("field_declaration", "const", Name::Chain("declarator")),
                named("preproc_def", "macro"),
                named("preproc_function_def", "macro"),
            ],
            comments: &["comment"],
            leading: &["attribute_declaration"],
            wrappers: &["template_declaration"],
            local: &["lambda_expression", "compound_statement"],
            fills_blocks: false,
            is_indented: false,
            gap: 1,
            around: &[("class X {\n", "};\n")],
        });)*
    };
}

c_family! {
    /// C.
    C = "c", C, tree_sitter_c::LANGUAGE;
    /// C++.
    CPP = "cpp", Cpp, tree_sitter_cpp::LANGUAGE;
}

/// Ruby.
pub(crate) const RUBY: Code = Code(&Language {
    name: "ruby",
    format: Format::Ruby,
    grammar: || tree_sitter_ruby::LANGUAGE.into(),
    items: &[
        named("method", "fn"),
        item("singleton_method", "fn", Name::Both("object", ".", "name")),
        named("class", "class"),
        named("module", "mod"),
        item("assignment", "const", Name::Field("left")),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &[],
    local: &["lambda", "do_block", "block", "if", "unless", "case", "while", "until", "for", "begin"],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[],
});

/// PHP.
pub(crate) const PHP: Code = Code(&Language {
    name: "php",
    format: Format::Php,
    grammar: || tree_sitter_php::LANGUAGE_PHP.into(),
    items: &[
        named("function_definition", "fn"),
        named("method_declaration", "fn"),
        named("class_declaration", "class"),
        named("interface_declaration", "type"),
        named("trait_declaration", "type"),
        named("enum_declaration", "type"),
        named("namespace_definition", "mod").only(Only::With("body")),
        item("const_declaration", "const", Name::Inside("const_element", "name")),
        item("property_declaration", "const", Name::Only("property_element", "name")),
        item("expression_statement", "const", Name::Only("assignment_expression", "left")),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &[],
    local: &[
        "anonymous_function",
        "arrow_function",
        "if_statement",
        "for_statement",
        "foreach_statement",
        "while_statement",
    ],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[("<?php\n", ""), ("<?php\nclass X {\n", "}\n")],
});

/// Bash, and shell scripts that it can read.
pub(crate) const BASH: Code = Code(&Language {
    name: "bash",
    format: Format::Bash,
    grammar: || tree_sitter_bash::LANGUAGE.into(),
    items: &[
        named("function_definition", "fn"),
        item("declaration_command", "const", Name::Only("variable_assignment", "name")),
        named("variable_assignment", "const"),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &[],
    local: &["while_statement", "for_statement", "c_style_for_statement", "subshell", "command", "pipeline"],
    fills_blocks: true,
    is_indented: false,
    gap: 1,
    around: &[],
});

/// C#.
pub(crate) const CSHARP: Code = Code(&Language {
    name: "csharp",
    format: Format::CSharp,
    grammar: || tree_sitter_c_sharp::LANGUAGE.into(),
    items: &[
        named("class_declaration", "class"),
        named("struct_declaration", "type"),
        named("interface_declaration", "type"),
        named("enum_declaration", "type"),
        named("record_declaration", "type"),
        named("delegate_declaration", "type"),
        named("namespace_declaration", "mod"),
        named("method_declaration", "fn"),
        named("constructor_declaration", "fn"),
        named("destructor_declaration", "fn"),
        named("local_function_statement", "fn"),
        item("operator_declaration", "fn", Name::Field("operator")),
        named("property_declaration", "prop"),
        named("event_declaration", "prop"),
        item("variable_declaration", "const", Name::Only("variable_declarator", "name")),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &["field_declaration", "event_field_declaration", "global_statement", "local_declaration_statement"],
    local: &["lambda_expression", "anonymous_method_expression", "block"],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[("class X {\n", "}\n"), ("interface X {\n", "}\n")],
});

/// Lua.
pub(crate) const LUA: Code = Code(&Language {
    name: "lua",
    format: Format::Lua,
    grammar: || tree_sitter_lua::LANGUAGE.into(),
    items: &[
        named("function_declaration", "fn"),
        item("assignment_statement", "fn", Name::Only("variable_list", "name")).only(Only::Holding(
            "expression_list",
            "value",
            &["function_definition"],
        )),
        item("assignment_statement", "const", Name::Only("variable_list", "name")),
    ],
    comments: &["comment"],
    leading: &[],
    wrappers: &["variable_declaration"],
    local: &[
        "function_definition",
        "if_statement",
        "for_statement",
        "while_statement",
        "repeat_statement",
        "do_statement",
    ],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[],
});

/// HCL, as Terraform's files.
pub(crate) const HCL: Code = Code(&Language {
    name: "hcl",
    format: Format::Hcl,
    grammar: || tree_sitter_hcl::LANGUAGE.into(),
    items: &[item("block", "block", Name::UpTo("block_start")), item("attribute", "const", Name::Child("identifier"))],
    comments: &["comment"],
    leading: &[],
    wrappers: &[],
    local: &[],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[],
});

/// CSS.
pub(crate) const CSS: Code = Code(&Language {
    name: "css",
    format: Format::Css,
    grammar: || tree_sitter_css::LANGUAGE.into(),
    items: &[
        item("rule_set", "rule", Name::Child("selectors")),
        item("media_statement", "rule", Name::UpTo("block")),
        item("supports_statement", "rule", Name::UpTo("block")),
        item("scope_statement", "rule", Name::UpTo("block")),
        item("at_rule", "rule", Name::UpTo("block")),
        item("keyframes_statement", "rule", Name::UpTo("keyframe_block_list")),
        item("keyframe_block", "rule", Name::UpTo("block")),
        item("declaration", "prop", Name::Child("property_name")),
    ],
    comments: &["comment", "js_comment"],
    leading: &[],
    wrappers: &[],
    local: &[],
    fills_blocks: false,
    is_indented: false,
    gap: 1,
    around: &[("x {\n", "}\n")],
});
