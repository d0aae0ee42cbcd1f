//! Which crate depends on which, by cargo's own account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::Findings;
use crate::shell::{self, TaskError};

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// The crates of the workspace that it depends on, with the kind ("normal", "dev", "build").
    pub(crate) inside: Vec<(String, String)>,
    /// Whether it takes the workspace's lints.
    pub(crate) lints: bool,
}

/// What `cargo metadata` tells that is of use here.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// The workspace's crates.
    pub(crate) packages: Vec<Package>,
    /// The crates of the root manifest's `[workspace.dependencies]` that are not the workspace's own.
    pub(crate) external: BTreeSet<String>,
}

/// Who may depend on whom, by name.
pub(crate) type Allowed = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn metadata(root: &Path) -> Result<Metadata, TaskError> {
    let text = shell::output(
        shell::cargo().args(["metadata", "--no-deps", "--format-version=1", "--locked"]).current_dir(root),
    )?;
    let json: Value = serde_json::from_str(&text).map_err(|e| TaskError::Check(format!("cargo metadata: {e}")))?;
    let listed = json["packages"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: BTreeSet<String> = listed.iter().map(|p| text(&p["name"])).collect();
    let mut packages = Vec::new();
    for package in &listed {
        let inside = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|d| names.contains(d["name"].as_str().unwrap_or_default()))
            .map(|d| (text(&d["name"]), d["kind"].as_str().unwrap_or("normal").to_owned()))
            .collect();
        let manifest = text(&package["manifest_path"]);
        let lints = read_toml(Path::new(&manifest))?
            .get("lints")
            .and_then(|l| l.get("workspace"))
            .and_then(toml::Value::as_bool)
            .unwrap_or(false);
        packages.push(Package { name: text(&package["name"]), inside, lints });
    }
    let manifest = read_toml(&root.join("Cargo.toml"))?;
    let external = manifest
        .get("workspace")
        .and_then(|w| w.get("dependencies"))
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
        .filter(|(_, spec)| spec.get("path").is_none())
        .map(|(name, _)| name.clone())
        .collect();
    Ok(Metadata { packages, external })
}

fn read_toml(path: &Path) -> Result<toml::Table, TaskError> {
    let text = std::fs::read_to_string(path).map_err(TaskError::file("read", path))?;
    text.parse().map_err(|e| TaskError::Check(format!("{}: {e}", path.display())))
}

/// Every dependency inside the workspace must be in the table; testkit may depend on all, and nothing on testkit.
pub(crate) fn check(packages: &[Package], allowed: &Allowed, findings: &mut Findings) {
    for package in packages {
        let name = &package.name;
        if !package.lints {
            findings.error(format!("crate {name}: `[lints] workspace = true` is missing"));
        }
        if name == "testkit" {
            continue;
        }
        let Some(may) = allowed.get(name) else {
            findings.error(format!("crate {name}: the table of dependencies does not name it"));
            continue;
        };
        for (target, kind) in &package.inside {
            if !may.contains(target) {
                findings.error(format!("crate {name} may not depend on {target} ({kind})"));
            }
        }
    }
    for name in allowed.keys() {
        if !packages.iter().any(|p| p.name == *name) {
            findings.error(format!("the table of dependencies names a crate that does not exist: {name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, inside: &[(&str, &str)], lints: bool, expected: &[&str]) {
        let allowed: Allowed = [("agent", &["portion", "plan"][..]), ("plan", &[]), ("portion", &[])]
            .into_iter()
            .map(|(n, to)| (n.to_owned(), to.iter().map(|t| (*t).to_owned()).collect()))
            .collect();
        let inside = inside.iter().map(|(n, k)| ((*n).to_owned(), (*k).to_owned())).collect();
        let mut packages = vec![Package { name: name.to_owned(), inside, lints }];
        for other in ["agent", "plan", "portion"] {
            if other != name {
                packages.push(Package { name: other.to_owned(), inside: Vec::new(), lints: true });
            }
        }
        let mut findings = Findings::default();
        super::check(&packages, &allowed, &mut findings);
        assert_eq!(findings.errors, expected);
    }

    #[test]
    fn only_what_the_table_allows() {
        check("agent", &[("portion", "normal"), ("plan", "dev")], true, &[]);
        check("agent", &[("manager", "normal")], true, &["crate agent may not depend on manager (normal)"]);
        check("plan", &[("portion", "dev")], true, &["crate plan may not depend on portion (dev)"]);
        check("agent", &[("testkit", "dev")], true, &["crate agent may not depend on testkit (dev)"]);
        check("testkit", &[("agent", "normal")], true, &[]);
        check("extra", &[], true, &["crate extra: the table of dependencies does not name it"]);
        check("plan", &[], false, &["crate plan: `[lints] workspace = true` is missing"]);
    }
}
