//! What this program knows: every scheme and every format, each in one entry. Adding one is an entry here and a file beside
//! the other lenses.

use crate::lens::{
    Composed, Lens, Syntax, absent, bytes, code, csv, docx, html, ical, ipynb, json, jsonl, jsonpath, keys, lines,
    mark, md, nginx, ods, office, pptx, regex, sections, sql, sqlite, toml, xlsx, xml, yaml,
};

/// Declares [`Scheme`], and what stands in its table.
macro_rules! schemes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $lens:expr, names: $names:expr, extensions: $extensions:expr;)*) => {
        /// A way of addressing portions: one for each format or family.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scheme {
            $($(#[$doc])* $name,)*
        }

        impl Scheme {
            /// All schemes, in the order in which help texts list them.
            pub const ALL: &'static [Scheme] = &[$(Scheme::$name),*];

            /// The name that stands before the colon.
            pub fn name(self) -> &'static str {
                match self {
                    $(Scheme::$name => $text,)*
                }
            }

            /// The lens that this scheme addresses, which reads other schemes' stages behind its own expression, too.
            pub fn lens(self) -> &'static dyn Lens {
                match self {
                    $(Scheme::$name => const { &Composed(&$lens) },)*
                }
            }

            /// The format's own lens, for expressions that hold nothing but its own words.
            pub(crate) fn own_lens(self) -> &'static dyn Lens {
                match self {
                    $(Scheme::$name => &$lens,)*
                }
            }

            /// Names of files that have this format, in lower case, whatever their extension says. A name with a slash is the end
            /// of a path.
            pub(crate) fn names(self) -> &'static [&'static str] {
                match self {
                    $(Scheme::$name => &$names,)*
                }
            }

            /// Extensions of files that have this format, in lower case and without the dot.
            pub(crate) fn extensions(self) -> &'static [&'static str] {
                match self {
                    $(Scheme::$name => &$extensions,)*
                }
            }
        }
    };
}

schemes! {
    /// JSON Pointer (RFC 6901) into RFC 8259 JSON.
    Json = "json", json::JSON,
        names: ["composer.lock", "pipfile.lock", "flake.lock"],
        extensions: ["json", "geojson", "webmanifest", "jsonld", "har"];
    /// JSON Pointer into JSON with comments and trailing commas.
    Jsonc = "jsonc", json::JSONC,
        names: [
            "devcontainer.json", ".devcontainer.json", ".eslintrc.json", "language-configuration.json", "zed/settings.json",
            "zed/keymap.json", "zed/tasks.json", ".gemini/settings.json",
        ],
        extensions: ["jsonc", "code-workspace", "code-snippets"];
    /// JSON Pointer into JSON5.
    Json5 = "json5", json::JSON5, names: [".babelrc"], extensions: ["json5"];
    /// JSON Pointer into TOML 1.1.
    Toml = "toml", toml::Toml,
        names: ["cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "pipfile"],
        extensions: ["toml"];
    /// JSON Pointer into YAML 1.2.
    Yaml = "yaml", yaml::Yaml,
        names: [".clang-format", ".clang-tidy", ".clangd"],
        extensions: ["yml", "yaml", "cff"];
    /// `/section/key` of an ini file.
    Ini = "ini", keys::INI,
        names: [
            ".editorconfig", ".npmrc", ".pypirc", ".hgrc", ".flake8", ".pylintrc", ".aws/config", ".aws/credentials",
        ],
        extensions: ["ini"];
    /// `/KEY` of an env file.
    Env = "env", keys::ENV,
        names: ["etc/environment", ".env"],
        extensions: ["env"];
    /// `/section/key` or `/section/subsection/key` of a git configuration.
    GitConfig = "gitconfig", keys::GIT_CONFIG,
        names: [".gitconfig", ".gitmodules", ".git/config", "git/config", "etc/gitconfig"],
        extensions: [];
    /// `/Host NAME/Keyword` of an ssh client configuration.
    SshConfig = "ssh_config", keys::SSH_CONFIG,
        names: [".ssh/config", "ssh/ssh_config"],
        extensions: [];
    /// `/address` or `/name` of a hosts file.
    Hosts = "hosts", keys::HOSTS,
        names: ["etc/hosts", "hosts"],
        extensions: [];
    /// `/Section/Key` of a systemd unit: systemd.unit(5), systemd.network(5), systemd.netdev(5), systemd.link(5),
    /// systemd.nspawn(5), podman-systemd.unit(5).
    Systemd = "systemd", keys::SYSTEMD,
        names: [],
        extensions: [
            "service", "socket", "timer", "target", "mount", "automount", "path", "slice", "scope", "swap", "device",
            "network", "netdev", "link", "nspawn", "container",
        ];
    /// `/Group/Key` or `/Group/Key[locale]` of a desktop entry.
    Desktop = "desktop", keys::DESKTOP, names: ["mimeapps.list"], extensions: ["desktop", "directory"];
    /// `/block/directive` or `/block[directive=parameter]` of an nginx configuration.
    Nginx = "nginx", nginx::Nginx, names: ["nginx.conf"], extensions: ["nginx"];
    /// `/key` of a Java properties file.
    Properties = "properties", keys::PROPERTIES,
        names: [],
        extensions: ["properties"];
    /// `/Heading/Sub-heading`, or `front`, of a Markdown file.
    Md = "md", md::Markdown,
        names: [],
        extensions: ["md", "markdown", "mdown", "mdc"];
    /// `/Heading/Sub-heading` of an Org file.
    Org = "org", sections::ORG, names: [], extensions: ["org"];
    /// `/Heading/Sub-heading` of an AsciiDoc file.
    Adoc = "adoc", sections::ADOC, names: [], extensions: ["adoc", "asciidoc", "asc"];
    /// `/Heading/Sub-heading` of a reStructuredText file.
    Rst = "rst", sections::RST, names: [], extensions: ["rst", "rest"];
    /// `/Heading/Sub-heading` of a LaTeX file.
    Tex = "tex", sections::TEX, names: [], extensions: ["tex", "ltx"];
    /// `rows`, `row id=42`, `col name` or `cell id=42/name` of a CSV file.
    Csv = "csv", csv::CSV, names: [], extensions: ["csv"];
    /// The same with tabs between fields.
    Tsv = "tsv", csv::TSV, names: [], extensions: ["tsv", "tab"];
    /// `Sheet!A1:C6`, `name:Budget` or `table:Q3` of an Excel workbook.
    Xlsx = "xlsx", xlsx::XLSX, names: [], extensions: ["xlsx", "xlsm", "xltx", "xltm"];
    /// The same of an OpenDocument spreadsheet.
    Ods = "ods", ods::ODS, names: [], extensions: ["ods", "ots"];
    /// `rows`, `id=42` or `id=42/name` of a file with one JSON value a line.
    Jsonl = "jsonl", jsonl::Jsonl, names: [], extensions: ["jsonl", "ndjson", "jsonlines"];
    /// `tag:NAME`, `bookmark:NAME`, `heading:/Heading/Sub-heading` or `table:2` of a Word document.
    Docx = "docx", docx::DOCX, names: [], extensions: ["docx", "docm", "dotx", "dotm"];
    /// `slide:3/shape:NAME` or `slide:3/table:NAME` of a PowerPoint presentation.
    Pptx = "pptx", pptx::PPTX, names: [], extensions: ["pptx", "pptm", "potx", "ppsx"];
    /// `cell:ID` of a Jupyter notebook; or JSON Pointer.
    Ipynb = "ipynb", ipynb::Notebook, names: [], extensions: ["ipynb"];
    /// `uid:UID`, or `uid:UID/SUMMARY`, of an iCalendar file.
    Ics = "ics", ical::ICS, names: [], extensions: ["ics", "ical", "ifb", "icalendar"];
    /// `uid:UID` or `fn:NAME`, or `uid:UID/TEL`, of a vCard file.
    Vcf = "vcf", ical::VCF, names: [], extensions: ["vcf", "vcard"];
    /// `$.users[?@.id=='k1'].city`: a JSONPath (RFC 9535) into JSON, JSONC, TOML or YAML that finds one node.
    JsonPath = "jsonpath", jsonpath::JsonPath, names: [], extensions: [];
    /// What the one capture group of a regular expression captures, in any text file.
    Re = "re", regex::Re, names: [], extensions: [];
    /// `customers`, `customers(id,name)` or `customers?region=EU`: rows of a table in a SQLite database.
    Sqlite = "sqlite", sqlite::Sqlite, names: [], extensions: ["sqlite", "sqlite3", "db", "db3"];
    /// `/a/b[@id='x']`, `/a/b/@name` or `/a/b/text()` of an XML document.
    Xml = "xml", xml::Xml,
        names: ["app.config", "web.config", "nuget.config", "packages.config", "fonts.conf"],
        extensions: [
            "xml", "svg", "xhtml", "xht", "xsd", "xsl", "xslt", "plist", "csproj", "vbproj", "fsproj", "vcxproj", "proj", "props", "targets",
            "nuspec", "resx", "xaml", "axaml", "rss", "atom", "gpx", "kml", "pom", "iml", "ui", "glade", "qrc",
            "wsdl", "xliff", "xlf", "tmx", "opf", "ncx", "rdf", "owl", "dae", "launch", "urdf", "storyboard", "xib",
            "entitlements", "mml", "musicxml", "fodt", "fods", "wxs",
        ];
    /// `#id`, `main > ul li:nth-of-type(2)`, `a.home@href` or `h1::text` of an HTML file.
    Html = "html", html::Html, names: [], extensions: ["html", "htm", "shtml"];
    /// `fn:name`, `class:Name/fn:name`, `query:(…) @x` of source code in Rust.
    Rust = "rust", code::RUST, names: [], extensions: ["rs"];
    /// The same in Python.
    Python = "python", code::PYTHON, names: [], extensions: ["py", "pyi", "pyw"];
    /// The same in JavaScript, with JSX.
    JavaScript = "javascript", code::JAVASCRIPT, names: [], extensions: ["js", "mjs", "cjs", "jsx"];
    /// The same in TypeScript.
    TypeScript = "typescript", code::TYPESCRIPT, names: [], extensions: ["ts", "mts", "cts"];
    /// The same in TypeScript with JSX.
    Tsx = "tsx", code::TSX, names: [], extensions: ["tsx"];
    /// The same in Go.
    Go = "go", code::GO, names: [], extensions: ["go"];
    /// The same in Java.
    Java = "java", code::JAVA, names: [], extensions: ["java"];
    /// The same in C.
    C = "c", code::C, names: [], extensions: ["c"];
    /// The same in C++, and headers.
    Cpp = "cpp", code::CPP, names: [], extensions: ["cc", "cpp", "cxx", "c++", "h", "hh", "hpp", "hxx", "h++"];
    /// The same in Ruby.
    Ruby = "ruby", code::RUBY, names: ["gemfile", "rakefile", "podfile", "fastfile", "vagrantfile"], extensions: ["rb", "rake", "gemspec", "ru"];
    /// The same in PHP.
    Php = "php", code::PHP, names: [], extensions: ["php"];
    /// The same in Bash, and shell scripts.
    Bash = "bash", code::BASH, names: [".bashrc", ".bash_profile", ".bash_aliases", ".profile"], extensions: ["sh", "bash", "bats"];
    /// The same in C#.
    CSharp = "csharp", code::CSHARP, names: [], extensions: ["cs", "csx"];
    /// The same in Lua.
    Lua = "lua", code::LUA, names: [], extensions: ["lua"];
    /// The same in HCL, by `block:resource "type" "name"`.
    Hcl = "hcl", code::HCL, names: [], extensions: ["tf", "tfvars", "hcl"];
    /// The same in CSS, by `rule:.btn`.
    Css = "css", code::CSS, names: [], extensions: ["css"];
    /// `table:name`, `view:name`, `fn:name` of a script of SQL.
    Sql = "sql", sql::Sql, names: [], extensions: ["sql", "ddl", "psql", "pgsql"];
    /// The lines between `inlay:begin NAME` and `inlay:end NAME` in any text file.
    Mark = "mark", mark::Mark, names: [], extensions: [];
    /// `10,20`: lines by RFC 5147 (positions between lines, counted from 0).
    Lines = "lines", lines::Lines, names: [], extensions: [];
    /// `0-4095`: bytes by RFC 9110 (both ends included).
    Bytes = "bytes", bytes::Bytes, names: [], extensions: [];
}

/// Declares [`Format`], and what stands in its table.
macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $syntax:expr, editors: $extension:literal;)*) => {
        /// What a fragment is written in. Two members with the same format (and mapping) exchange texts; others exchange values.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Format {
            $($(#[$doc])* $name,)*
        }

        impl Format {
            /// All formats.
            pub const ALL: &'static [Format] = &[$(Format::$name),*];

            /// Its name, as versions carry it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Format::$name => $text,)*
                }
            }

            /// The extension by which an editor knows it, without the dot.
            pub fn extension(self) -> &'static str {
                match self {
                    $(Format::$name => $extension,)*
                }
            }

            /// What its fragments mean.
            pub(crate) fn syntax(self) -> &'static dyn Syntax {
                match self {
                    $(Format::$name => &$syntax,)*
                }
            }
        }
    };
}

formats! {
    /// One JSON value, RFC 8259.
    Json = "json", json::JSON, editors: "json";
    /// One JSON value with comments and trailing commas.
    Jsonc = "jsonc", json::JSONC, editors: "jsonc";
    /// One JSON5 value.
    Json5 = "json5", json::JSON5, editors: "json5";
    /// A TOML document: a table, its headers re-rooted to the portion.
    Toml = "toml", toml::Toml, editors: "toml";
    /// One TOML value as it stands after `=`.
    TomlValue = "toml-value", toml::TomlValue, editors: "toml";
    /// One YAML node.
    Yaml = "yaml", yaml::Yaml, editors: "yaml";
    /// Lines of an ini file: a whole file, or the body of one section.
    Ini = "ini", keys::INI, editors: "ini";
    /// Lines of an env file.
    Env = "env", keys::ENV, editors: "env";
    /// Lines of a git configuration.
    GitConfig = "gitconfig", keys::GIT_CONFIG, editors: "gitconfig";
    /// Lines of an ssh client configuration.
    SshConfig = "ssh_config", keys::SSH_CONFIG, editors: "txt";
    /// Lines of a hosts file.
    Hosts = "hosts", keys::HOSTS, editors: "txt";
    /// Lines of a systemd unit.
    Systemd = "systemd", keys::SYSTEMD, editors: "service";
    /// Lines of a desktop entry.
    Desktop = "desktop", keys::DESKTOP, editors: "desktop";
    /// Lines of a properties file.
    Properties = "properties", keys::PROPERTIES, editors: "properties";
    /// A Markdown section with its heading at level 1. Its value is a string.
    Markdown = "markdown", md::Markdown, editors: "md";
    /// An Org section with its headline at level 1. Its value is a string.
    Org = "org", sections::ORG, editors: "org";
    /// An AsciiDoc section with its title at level 1. Its value is a string.
    Adoc = "adoc", sections::ADOC, editors: "adoc";
    /// A reStructuredText section with its heading at level 1. Its value is a string.
    Rst = "rst", sections::RST, editors: "rst";
    /// A LaTeX section with its heading as `\part`. Its value is a string.
    Tex = "tex", sections::TEX, editors: "tex";
    /// A table: a header line and rows. Its value is a list of maps.
    Csv = "csv", csv::Shape::Rows, editors: "csv";
    /// One row below its header line. Its value is a map.
    CsvRow = "csv-row", csv::Shape::Row, editors: "csv";
    /// One column, a field a line, without its name. Its value is a list.
    CsvColumn = "csv-column", csv::Shape::Column, editors: "csv";
    /// Cells of a spreadsheet: a scalar, or a list of rows, in JSON's notation with a row on each line.
    Cells = "cells", office::cells::Cells, editors: "json";
    /// Rows of a spreadsheet below their header. Their value is a list of maps.
    Records = "records", office::cells::Records, editors: "json";
    /// One JSON value a line. Its value is a list.
    Jsonl = "jsonl", jsonl::Jsonl, editors: "jsonl";
    /// One JSON value on one line.
    JsonLine = "json-line", jsonl::JsonLine, editors: "json";
    /// A component of a calendar: content lines, unfolded. Its value is a map.
    Ics = "ics", ical::ICS, editors: "ics";
    /// A vCard: content lines, unfolded. Its value is a map.
    Vcf = "vcf", ical::VCF, editors: "vcf";
    /// Rows of a database, one a line. Their value is a list of maps.
    Rows = "rows", sqlite::Rows, editors: "jsonl";
    /// One XML element.
    Xml = "xml", xml::Xml, editors: "xml";
    /// One HTML element. Its value is a string.
    Html = "html", html::Html, editors: "html";
    /// Source code in Rust: an item, or a part of one. Its value is a string.
    Rust = "rust", code::RUST, editors: "rs";
    /// The same in Python.
    Python = "python", code::PYTHON, editors: "py";
    /// The same in JavaScript, with JSX.
    JavaScript = "javascript", code::JAVASCRIPT, editors: "js";
    /// The same in TypeScript.
    TypeScript = "typescript", code::TYPESCRIPT, editors: "ts";
    /// The same in TypeScript with JSX.
    Tsx = "tsx", code::TSX, editors: "tsx";
    /// The same in Go.
    Go = "go", code::GO, editors: "go";
    /// The same in Java.
    Java = "java", code::JAVA, editors: "java";
    /// The same in C.
    C = "c", code::C, editors: "c";
    /// The same in C++.
    Cpp = "cpp", code::CPP, editors: "cpp";
    /// The same in Ruby.
    Ruby = "ruby", code::RUBY, editors: "rb";
    /// The same in PHP.
    Php = "php", code::PHP, editors: "php";
    /// The same in Bash.
    Bash = "bash", code::BASH, editors: "sh";
    /// The same in C#.
    CSharp = "csharp", code::CSHARP, editors: "cs";
    /// The same in Lua.
    Lua = "lua", code::LUA, editors: "lua";
    /// The same in HCL.
    Hcl = "hcl", code::HCL, editors: "tf";
    /// The same in CSS.
    Css = "css", code::CSS, editors: "css";
    /// A statement of SQL that declares something. Its value is a string.
    Sql = "sql", sql::Sql, editors: "sql";
    /// Text whose value is a string: a marked region, lines, one scalar of a line format.
    Text = "text", lines::Lines, editors: "txt";
    /// Bytes whose value is bytes.
    Bytes = "bytes", bytes::Bytes, editors: "bin";
    /// No portion at all: a removal that was meant. Its text is empty, and it has no value.
    Absent = "absent", absent::Absent, editors: "txt";
}
