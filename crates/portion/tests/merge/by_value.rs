//! Cases of the merge by value: base, ours, theirs in JSON, and the merged value, or (after `!`) the clashes.

use portion::{Clash, merge_values};

use super::json;

fn check(base: &str, ours: &str, theirs: &str, expected: &str) {
    // Whether it is clean does not depend on which side is which, nor does the value.
    for (ours, theirs, is_turned) in [(ours, theirs, false), (theirs, ours, true)] {
        let (value, clashes) = merge_values(&json(base), &json(ours), &json(theirs));
        match expected.strip_prefix('!') {
            None => {
                assert_eq!(clashes, [], "{base} {ours} {theirs}");
                assert_eq!(value, json(expected), "{base} {ours} {theirs}");
            }
            Some(_) if is_turned => assert!(!clashes.is_empty(), "{base} {ours} {theirs}"),
            Some(expected) => {
                let found = clashes.iter().map(Clash::to_string).collect::<Vec<_>>().join("; ");
                assert_eq!(found, expected.trim(), "{base} {ours} {theirs}");
            }
        }
    }
}

fn all(cases: &[(&str, &str, &str, &str)]) {
    for (base, ours, theirs, expected) in cases {
        check(base, ours, theirs, expected);
    }
}

#[test]
fn scalars() {
    all(&[
        ("1", "1", "1", "1"),
        ("1", "2", "1", "2"),
        ("1", "2", "2", "2"),
        ("1", "2", "3", "! the whole: changed on both sides"),
        // The spelling of a number is no change; its kind is.
        ("1", "1.0", "2", "2"),
        ("1", "\"1\"", "1", "\"1\""),
        ("1", "\"1\"", "2", "! the whole: changed on both sides"),
        ("1", "null", "1", "null"),
        ("1", "{}", "[]", "! the whole: changed on both sides"),
        // Texts of several lines merge line by line.
        (r#""a\nb\nc\n""#, r#""A\nb\nc\n""#, r#""a\nb\nC\n""#, r#""A\nb\nC\n""#),
        (r#""a\nb\nc\n""#, r#""A\nb\nc\n""#, r#""x\nb\nc\n""#, "! the whole: changed on both sides"),
        (r#""a b c""#, r#""A b c""#, r#""a b C""#, "! the whole: changed on both sides"),
    ]);
}

#[test]
fn keys() {
    all(&[
        (r#"{"a":1,"b":1}"#, r#"{"a":2,"b":1}"#, r#"{"a":1,"b":3}"#, r#"{"a":2,"b":3}"#),
        (r#"{"a":1}"#, r#"{"a":1,"b":1}"#, r#"{"a":1,"c":1}"#, r#"{"a":1,"b":1,"c":1}"#),
        (r#"{"a":{"x":1,"y":1}}"#, r#"{"a":{"x":2,"y":1}}"#, r#"{"a":{"x":1}}"#, r#"{"a":{"x":2}}"#),
        // Removed and left alone; removed twice; removed and changed.
        (r#"{"a":1,"b":1}"#, r#"{"b":1}"#, r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
        (r#"{"a":1,"b":1}"#, r#"{"b":1}"#, r#"{"b":1}"#, r#"{"b":1}"#),
        (r#"{"a":1}"#, "{}", r#"{"a":2}"#, "! `/a`: removed in ours, changed in theirs"),
        (r#"{"a":{"x":1}}"#, r#"{"a":{"x":2}}"#, "{}", "! `/a`: changed in ours, removed in theirs"),
        // Added twice.
        ("{}", r#"{"a":1}"#, r#"{"a":1.0}"#, r#"{"a":1}"#),
        ("{}", r#"{"a":1}"#, r#"{"a":2}"#, "! `/a`: added on both sides"),
        ("{}", r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"x":1,"z":3}}"#, r#"{"a":{"x":1,"y":2,"z":3}}"#),
        ("{}", r#"{"a":{"x":1}}"#, r#"{"a":{"y":1}}"#, "! `/a`: added on both sides"),
        ("{}", r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"x":1,"y":3}}"#, "! `/a`: added on both sides"),
        ("{}", r#"{"a":{"x":1,"m":{"y":2}}}"#, r#"{"a":{"x":1,"m":{"z":2}}}"#, "! `/a`: added on both sides"),
        ("{}", r#"{"a":{}}"#, r#"{"a":{"x":1}}"#, "! `/a`: added on both sides"),
        // It may be what went, edited on both sides.
        (
            r#"{"z":{"x":1,"y":2,"z":3}}"#,
            r#"{"a":{"x":1,"y":2}}"#,
            r#"{"a":{"y":2,"z":3}}"#,
            "! `/a`: added on both sides",
        ),
        ("{}", r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, "! `/a`: added on both sides"),
        // A map in the place of something else is no addition.
        (r#"{"a":1}"#, r#"{"a":{"x":1,"y":1}}"#, r#"{"a":{"x":1}}"#, "! `/a`: changed on both sides"),
        // All clashes are told, in ours' order.
        (
            r#"{"a":1,"b/c":1,"d":1}"#,
            r#"{"d":2,"b/c":2,"a":2}"#,
            r#"{"a":3,"b/c":3,"d":2}"#,
            "! `/b~1c`: changed on both sides; `/a`: changed on both sides",
        ),
    ]);
}

#[test]
fn renamed_keys() {
    all(&[
        // One side renames, the other edits.
        (r#"{"a":{"x":1,"y":1}}"#, r#"{"b":{"x":1,"y":1}}"#, r#"{"a":{"x":2,"y":1}}"#, r#"{"b":{"x":2,"y":1}}"#),
        (r#"{"a":"long enough"}"#, r#"{"b":"long enough"}"#, r#"{"a":"long enough!"}"#, r#"{"b":"long enough!"}"#),
        // What says too little is not recognised; nothing is lost.
        (r#"{"a":true}"#, r#"{"b":true}"#, r#"{"a":false}"#, "! `/a`: removed in ours, changed in theirs"),
        (r#"{"a":"on"}"#, r#"{"b":"on"}"#, r#"{"a":"off"}"#, "! `/a`: removed in ours, changed in theirs"),
        // Two that went have the value, or two that came.
        (r#"{"a":[1],"b":[1]}"#, r#"{"c":[1]}"#, r#"{"a":[2],"b":[1]}"#, "! `/a`: removed in ours, changed in theirs"),
        (r#"{"a":[1]}"#, r#"{"b":[1],"c":[1]}"#, r#"{"a":[2]}"#, "! `/a`: removed in ours, changed in theirs"),
        // Renamed and edited on one side is removed and added.
        (r#"{"a":[1,2]}"#, r#"{"b":[1,3]}"#, r#"{"a":[1,2]}"#, r#"{"b":[1,3]}"#),
        (r#"{"a":[1,2]}"#, r#"{"b":[1,3]}"#, r#"{"a":[0,2]}"#, "! `/a`: removed in ours, changed in theirs"),
        // Renamed twice.
        (r#"{"a":[1]}"#, r#"{"b":[1]}"#, r#"{"b":[1]}"#, r#"{"b":[1]}"#),
        (r#"{"a":[1]}"#, r#"{"b":[1]}"#, r#"{"c":[1]}"#, "! `/a`: renamed to `b` in ours and to `c` in theirs"),
        // Renamed and removed.
        (r#"{"a":[1]}"#, r#"{"b":[1]}"#, "{}", "! `/a`: changed in ours, removed in theirs"),
        // Renamed alike, and edited on one side.
        (r#"{"a":{"x":1,"y":1}}"#, r#"{"b":{"x":1}}"#, r#"{"b":{"x":1,"y":1}}"#, r#"{"b":{"x":1}}"#),
        // The name is taken on the other side.
        (
            r#"{"a":[1]}"#,
            r#"{"b":[1]}"#,
            r#"{"a":[2],"b":[3]}"#,
            "! `/b`: added on both sides; `/a`: removed in ours, changed in theirs",
        ),
        // Moved into another map.
        (
            r#"{"m":{"a":[1]},"n":{}}"#,
            r#"{"m":{},"n":{"a":[1]}}"#,
            r#"{"m":{"a":[2]},"n":{}}"#,
            "! `/m/a`: removed in ours, changed in theirs",
        ),
        (
            r#"{"m":{"a":[1]},"n":{}}"#,
            r#"{"m":{},"n":{"a":[1]}}"#,
            r#"{"m":{"a":[1]},"n":{"z":1}}"#,
            r#"{"m":{},"n":{"a":[1],"z":1}}"#,
        ),
    ]);
}

#[test]
fn lists() {
    all(&[
        ("[1,2,3]", "[1,2,3,4]", "[0,1,2,3]", "[0,1,2,3,4]"),
        ("[1,2,3]", "[9,2,3]", "[1,2,8]", "[9,2,8]"),
        // Neighbours.
        ("[1,2]", "[9,2]", "[1,8]", "[9,8]"),
        ("[1,2]", "[1,2,3]", "[1,8]", "[1,8,3]"),
        ("[1,2,3]", "[1,3]", "[1,2,8]", "[1,8]"),
        ("[1,2,3]", "[1,3]", "[1,2]", "[1]"),
        ("[1,2]", "[1]", "[1,2,3]", "[1,3]"),
        // At the same place.
        ("[]", "[1]", "[1]", "[1]"),
        ("[]", "[1]", "[2]", "! `/0`: put at the same place on both sides"),
        ("[1]", "[1,2]", "[1,3]", "! `/1`: put at the same place on both sides"),
        ("[1]", "[0,1]", "[9,1]", "! `/0`: put at the same place on both sides"),
        // Removed and changed.
        ("[1,2,3]", "[1,3]", "[1,8,3]", "! `/1`: removed in ours, changed in theirs"),
        ("[1,2,3]", "[1,9,3]", "[1,8,3]", "! `/1`: changed on both sides"),
        // One made several of it.
        ("[1,2,3]", "[1,7,8,3]", "[1,2,3,4]", "[1,7,8,3,4]"),
        ("[1,2,3]", "[1,7,8,3]", "[1,9,3]", "! `/1`: changed on both sides"),
        ("[1,2,3]", "[1,7,8,3]", "[1,3]", "! `/1`: changed in ours, removed in theirs"),
        ("[1,2,3]", "[1,7,8,3]", "[1,2,5,3]", "! `/1`: changed on both sides"),
        ("[1,2,3]", "[1,7,8,3]", "[1,7,8,3]", "[1,7,8,3]"),
        // Moved.
        ("[1,2,3,4]", "[4,1,2,3]", "[1,2,3,4,5]", "[4,1,2,3,5]"),
        ("[1,2,3,4]", "[4,1,2,3]", "[4,1,2,3]", "[4,1,2,3]"),
        (
            "[1,2,3,4]",
            "[4,1,2,3]",
            "[1,4,2,3]",
            "! the whole: moved on one side, and moved, changed or removed on the other",
        ),
        (
            "[1,2,3]",
            "[0,1,2,3]",
            "[1,2,3,0]",
            "! the whole: moved on one side, and moved, changed or removed on the other",
        ),
        ("[1,2,3]", "[3,1,2]", "[1,2]", "! the whole: moved on one side, and moved, changed or removed on the other"),
        ("[1,2,3]", "[3,1,2]", "[1,2,9]", "! the whole: moved on one side, and moved, changed or removed on the other"),
        ("[1,2,3]", "[3,1,2]", "[1,9,3]", "[3,1,9]"),
        // Parts of items.
        (r#"[{"x":1,"y":1}]"#, r#"[{"x":2,"y":1}]"#, r#"[{"x":1,"y":2}]"#, r#"[{"x":2,"y":2}]"#),
        ("[[1,2],[3]]", "[[1,2,9],[3]]", "[[0,2],[3]]", "[[0,2,9],[3]]"),
        ("[[1],[3]]", "[[2],[3]]", "[[4],[3]]", "! `/0/0`: changed on both sides"),
    ]);
}

#[test]
fn lists_of_maps_that_have_names() {
    all(&[
        // Edited here, moved there.
        (
            r#"[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1}]"#,
            r#"[{"id":3,"v":1},{"id":1,"v":1},{"id":2,"v":1}]"#,
            r#"[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":9}]"#,
            r#"[{"id":3,"v":9},{"id":1,"v":1},{"id":2,"v":1}]"#,
        ),
        // Moved here, added and removed there.
        (
            r#"[{"id":1},{"id":2},{"id":3}]"#,
            r#"[{"id":3},{"id":1},{"id":2}]"#,
            r#"[{"id":1},{"id":4},{"id":3}]"#,
            r#"[{"id":3},{"id":1},{"id":4}]"#,
        ),
        (
            r#"[{"id":1},{"id":2},{"id":3}]"#,
            r#"[{"id":3},{"id":1},{"id":2}]"#,
            r#"[{"id":2},{"id":1},{"id":3}]"#,
            "! the whole: moved on one side, and moved, changed or removed on the other",
        ),
        (
            r#"[{"id":1},{"id":2}]"#,
            r#"[{"id":2},{"id":9},{"id":1}]"#,
            r#"[{"id":1},{"id":2},{"id":4}]"#,
            "! the whole: moved on one side, and moved, changed or removed on the other",
        ),
        // All of it edited here, a neighbour removed there.
        (
            r#"[{"name":"a","v":1},{"name":"b","v":1}]"#,
            r#"[{"name":"a","v":2,"w":2},{"name":"b","v":1}]"#,
            r#"[{"name":"a","v":1}]"#,
            r#"[{"name":"a","v":2,"w":2}]"#,
        ),
        (
            r#"[{"name":"a","v":1},{"name":"b","v":1}]"#,
            r#"[{"name":"b","v":1}]"#,
            r#"[{"name":"a","v":2},{"name":"b","v":1}]"#,
            "! `/0`: removed in ours, changed in theirs",
        ),
        (
            r#"[{"name":"a","v":1},{"name":"b","v":1}]"#,
            r#"[{"name":"a","v":1},{"name":"b","v":2}]"#,
            r#"[{"name":"a","v":1},{"name":"b","v":3}]"#,
            "! `/1/v`: changed on both sides",
        ),
        // Another name is another item.
        (
            r#"[{"name":"a","v":1}]"#,
            r#"[{"name":"z","v":1}]"#,
            r#"[{"name":"a","v":1,"w":1}]"#,
            "! `/0`: removed in ours, changed in theirs",
        ),
        (
            r#"[{"name":"a","v":1},{"name":"b"}]"#,
            r#"[{"name":"z","v":1},{"name":"b"}]"#,
            r#"[{"name":"b"}]"#,
            "! `/0`: changed in ours, removed in theirs",
        ),
        // Both added one of the same name.
        ("[]", r#"[{"id":1,"v":1}]"#, r#"[{"id":1,"v":1,"w":1}]"#, r#"[{"id":1,"v":1,"w":1}]"#),
        ("[]", r#"[{"id":1,"v":1}]"#, r#"[{"id":1,"v":2}]"#, "! `/0`: added on both sides"),
        // Names that stand twice are none.
        (
            r#"[{"name":"a","v":1},{"name":"a","v":2}]"#,
            r#"[{"name":"a","v":1},{"name":"a","v":3}]"#,
            r#"[{"name":"a","v":4},{"name":"a","v":2}]"#,
            r#"[{"name":"a","v":4},{"name":"a","v":3}]"#,
        ),
    ]);
}
