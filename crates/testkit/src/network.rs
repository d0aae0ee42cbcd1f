//! Networks for tests: the loopback, or a network namespace for each machine, joined by a bridge.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the machines of a cluster live.
#[derive(Debug)]
pub enum Network {
    /// All on 127.0.0.1.
    Loopback,
    /// Each in its own namespace; needs root and iproute2.
    Namespaces(Namespaces),
}

/// A bridge in a namespace of its own, and one namespace for each machine.
#[derive(Debug)]
pub struct Namespaces {
    hub: String,
    names: Vec<String>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("iproute2 is installed (cargo xtask test does it)");
    assert!(output.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
}

impl Network {
    /// Namespaces for `machines` machines; machine `n` has the address 10.77.0.(n+1).
    pub fn namespaces(machines: usize) -> Self {
        let tag = format!("il{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut made = Namespaces { hub: format!("{tag}h"), names: Vec::new() };
        ip(&["netns", "add", &made.hub]);
        ip(&["-n", &made.hub, "link", "add", "bridge", "type", "bridge"]);
        ip(&["-n", &made.hub, "link", "set", "bridge", "up"]);
        for n in 0..machines {
            let name = format!("{tag}m{n}");
            ip(&["netns", "add", &name]);
            made.names.push(name.clone());
            let port = format!("p{n}");
            ip(&["-n", &made.hub, "link", "add", &port, "type", "veth", "peer", "name", "eth", "netns", &name]);
            ip(&["-n", &made.hub, "link", "set", &port, "master", "bridge", "up"]);
            ip(&["-n", &name, "addr", "add", &format!("10.77.0.{}/24", n + 1), "dev", "eth"]);
            ip(&["-n", &name, "link", "set", "eth", "up"]);
            ip(&["-n", &name, "link", "set", "lo", "up"]);
        }
        Network::Namespaces(made)
    }

    /// The address of a machine.
    pub fn address(&self, machine: usize) -> String {
        match self {
            Network::Loopback => "127.0.0.1".to_owned(),
            Network::Namespaces(_) => format!("10.77.0.{}", machine + 1),
        }
    }

    /// A command that runs `program` on that machine. In a namespace it does not see `hidden`: there is no shared folder.
    pub fn command(&self, machine: usize, program: &Path, hidden: &[&Path]) -> Command {
        match self {
            Network::Loopback => Command::new(program),
            Network::Namespaces(made) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &made.names[machine], "unshare", "-m", "sh", "-c"]);
                let hide: String =
                    hidden.iter().map(|h| format!("mount -t tmpfs none '{}' && ", h.display())).collect();
                command.arg(format!("{hide}exec \"$0\" \"$@\"")).arg(program);
                command
            }
        }
    }

    /// Pulls a machine's cable out of the switch, or plugs it in again. Nobody is told: its link stays up, and what is sent is lost.
    pub fn plug(&self, machine: usize, plugged: bool) {
        if let Network::Namespaces(made) = self {
            let port = format!("p{machine}");
            let master: &[&str] = if plugged { &["master", "bridge"] } else { &["nomaster"] };
            ip(&[&["-n", &made.hub, "link", "set", &port][..], master].concat());
        }
    }

    /// Loses silently what one machine sends to another, or no more. What the other sends still arrives.
    pub fn lose(&self, from: usize, to: usize, lose: bool) {
        if let Network::Namespaces(made) = self {
            let verb = if lose { "add" } else { "del" };
            ip(&["-n", &made.names[from], "route", verb, "blackhole", &format!("{}/32", self.address(to))]);
        }
    }

    /// Makes what a machine sends late and out of order. False if this kernel or iproute2 cannot.
    pub fn disturb(&self, machine: usize) -> bool {
        let Network::Namespaces(made) = self else { return false };
        let queue = ["dev", "eth", "root", "netem", "delay", "50ms", "40ms", "reorder", "25%"];
        let output = Command::new("tc").args(["-n", &made.names[machine], "qdisc", "add"]).args(queue).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Takes a machine's link down or up again.
    pub fn link(&self, machine: usize, up: bool) {
        if let Network::Namespaces(made) = self {
            ip(&["-n", &made.hub, "link", "set", &format!("p{machine}"), if up { "up" } else { "down" }]);
        }
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in self.names.iter().chain([&self.hub]) {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}
