//! Notebooks.

use proptest::prelude::*;

const SOURCES: &[&str] = &[
    r#"[]"#,
    r#""""#,
    r#"["a\n", "b"]"#,
    r#"["a\r\n", "b\r\n"]"#,
    r#""print('x')\nprint(\"y\")\n""#,
    "[\n    \"one\\n\",\n    \"two\\n\"\n   ]",
    r##"["# é \u00e9\n","","x"]"##,
    r#"["\ufeffx"]"#,
];

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let cell = (0usize..6, 0usize..SOURCES.len(), any::<u8>());
    (prop::collection::vec(cell, 0..6), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(cells, crlf, final_end, bom)| {
            let cells: Vec<String> = cells
                .into_iter()
                .map(|(id, source, style)| {
                    let kind = if style % 2 == 0 { "code" } else { "markdown" };
                    let source = SOURCES[source];
                    let id = if style % 16 == 5 { String::new() } else { format!("\"id\": \"c{id}\",\n   ") };
                    let outputs = if style % 3 == 0 { "\n   \"outputs\": [{\"cells\": [{\"id\": \"c1\"}]}]," } else { "" };
                    format!("  {{\n   \"cell_type\": \"{kind}\",\n   {id}\"metadata\": {{\"id\": \"c2\"}},{outputs}\n   \"source\": {source}\n  }}")
                })
                .collect();
            let cells = if cells.is_empty() { "[]".to_owned() } else { format!("[\n{}\n ]", cells.join(",\n")) };
            let text = format!("{{\n \"cells\": {cells},\n \"metadata\": {{}},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}");
            let text = format!("{text}{}", if final_end { "\n" } else { "" });
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}
