//! `inlay demo`.

use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use wire::v1;

use crate::command::status::IN_SYNC;
use crate::context::Context;
use crate::demo::{AGENTS, CLAUDE, CLAUDE_MD, CODEX, Document, EDGE, Machine, ORIGIN, Stage};
use crate::error::CommandError;
use crate::{service, serving, text};

/// Show the whole story on real files, in a fresh temporary folder
///
/// A manager and two agents as real processes; MCP servers in Claude Code's JSON and Codex's TOML, a section of two Markdown files, a marked
/// region of two web servers' files; edits on both sides while applications edit the rest; the history, a conflict, a restore. Every claim
/// is checked, and exit code 0 says that all of them are true.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay demo\n  inlay demo --keep   # to look around afterwards")]
pub struct Args {
    /// Leave the folder, and say where it is
    #[arg(long)]
    pub keep: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let stage = Arc::new(Stage::new(args.keep)?);
    let told = {
        let (stage, ctx) = (stage.clone(), ctx.clone());
        let (done, finished) = tokio::sync::oneshot::channel();
        let story = std::thread::spawn(move || {
            // Nobody listens any more if the demonstration was interrupted.
            let _ = done.send(Story::new(&stage, &ctx).and_then(Story::tell));
        });
        let told = service::block_on(async {
            tokio::select! {
                told = finished => told.unwrap_or_else(|_| Err(CommandError::failed("the demonstration broke off"))),
                () = serving::asked_to_end() => Err(CommandError::failed("interrupted; everything was cleaned up")),
            }
        });
        drop(story);
        told
    };
    stage.clean_up();
    let claims = told?;
    ctx.print(format_args!("\nAll {claims} claims are true."))?;
    if args.keep {
        ctx.print(format_args!("Everything is in {}; nothing runs there any more.", stage.root().display()))?;
    }
    ctx.say("Next: `inlay link NAME ADDRESS ADDRESS` with files of your own.");
    Ok(())
}

struct Story<'a> {
    stage: &'a Stage,
    ctx: &'a Context,
    claims: usize,
    manager: Machine,
    anna: Machine,
    bert: Machine,
    claude: Document,
    codex: Document,
    agents_md: Document,
    claude_md: Document,
    origin: Document,
    edge: Document,
}

impl<'a> Story<'a> {
    fn new(stage: &'a Stage, ctx: &'a Context) -> Result<Self, CommandError> {
        let (manager, anna, bert) = (stage.machine("manager")?, stage.machine("anna")?, stage.machine("bert")?);
        Ok(Story {
            claude: Document::create(&anna.user, ".claude.json", CLAUDE)?,
            codex: Document::create(&bert.user, ".codex/config.toml", CODEX)?,
            agents_md: Document::create(&anna.user, "shop/AGENTS.md", AGENTS)?,
            claude_md: Document::create(&bert.user, "billing/CLAUDE.md", CLAUDE_MD)?,
            origin: Document::create(&anna.user, "nginx/origin.conf", ORIGIN)?,
            edge: Document::create(&bert.user, "nginx/edge.conf", EDGE)?,
            stage,
            ctx,
            claims: 0,
            manager,
            anna,
            bert,
        })
    }

    /// Tells it; gives the number of claims that were found true.
    fn tell(mut self) -> Result<usize, CommandError> {
        self.machines()?;
        self.servers()?;
        self.section()?;
        self.region()?;
        self.conflict()?;
        self.restore()?;
        self.end()?;
        Ok(self.claims)
    }

    fn machines(&mut self) -> Result<(), CommandError> {
        self.chapter("A manager and two machines")?;
        self.stage.run(&self.manager, &["-q", "manager", "init", "--listen", "127.0.0.1:0"])?;
        self.stage.start(&self.manager, &["manager", "run"])?;
        self.told(&self.manager, "manager init && inlay manager run &")?;
        for machine in [self.anna.clone(), self.bert.clone()] {
            let code = self.stage.run(&self.manager, &["-q", "invite"])?;
            let file = self.stage.root().join("code");
            std::fs::write(&file, code).map_err(|e| CommandError::file("write", &file, e))?;
            let path = file.display().to_string();
            self.stage.run(&machine, &["-q", "join", "--name", machine.name, "--code-file", &path])?;
            self.stage.start(&machine, &["agent", "run"])?;
            self.told(&machine, "join && inlay agent run &")?;
        }
        let agents = self.stage.run(&self.manager, &["agents"])?;
        self.quote(&agents)?;
        self.claim("both agents are connected", agents.matches("connected").count() == 2)
    }

    fn servers(&mut self) -> Result<(), CommandError> {
        self.chapter("The same MCP servers in Claude Code's JSON and in Codex's TOML")?;
        let link = ["link", "mcp", "~/.claude.json", "bert:~/.codex/config.toml", "--from", "~/.claude.json"];
        self.command(&self.anna.clone(), &link)?;
        self.stage.wait(&self.anna, "mcp", "bert's machine is asked", |g| {
            g.members.iter().any(|m| m.state == "awaiting-consent") && !g.head.is_empty()
        })?;
        let untouched = self.codex.changes()?.is_empty();
        self.claim("nothing arrives on Bert's machine before it agrees", untouched)?;
        self.command(&self.bert.clone(), &["accept", "mcp", "--yes"])?;
        self.stage.wait(&self.anna, "mcp", "both are in sync", in_sync)?;
        self.show_changes(Which::Codex)?;
        let codex = self.portion(Which::Codex)?;
        self.claim(
            "Anna's server is in Bert's file, in Codex's words",
            codex.contains("server-github") && !codex.contains("stdio"),
        )?;
        self.claim(
            "what only Codex knows stays where it was",
            codex.contains("startup_timeout_sec = 20  # slow disk"),
        )?;

        self.says("Claude Code counts a start meanwhile, and Anna adds a server:")?;
        self.claude.edit_around("\"numStartups\": 214", "\"numStartups\": 215")?;
        let docs = "{\n    \"docs\": {\n      \"type\": \"http\",\n      \"url\": \"https://docs.example/mcp\"\n    },\n    \"github\"";
        self.edit(Which::Claude, "mcp", "{\n    \"github\"", docs)?;
        self.show_changes(Which::Codex)?;
        let codex = self.portion(Which::Codex)?;
        self.claim(
            "the new server is in Bert's file",
            codex.contains("[mcp_servers.docs]") && codex.contains("docs.example"),
        )?;

        self.says("Bert changes an argument, in TOML:")?;
        self.codex.edit_around("model = \"gpt-5\" ", "model = \"gpt-5.1\" ")?;
        self.edit(Which::Codex, "mcp", "@modelcontextprotocol/server-github", "@github/mcp@2")?;
        self.show_changes(Which::Claude)?;
        let claude = self.portion(Which::Claude)?;
        self.claim(
            "it is in Anna's file, which keeps its \"type\": \"stdio\"",
            claude.contains("@github/mcp@2") && claude.contains("\"stdio\""),
        )?;
        self.surroundings()
    }

    fn section(&mut self) -> Result<(), CommandError> {
        self.chapter("One section of two Markdown files, at different depths")?;
        let own = "shop/AGENTS.md#/Shop/Working rules";
        let link = ["link", "rules", own, "bert:~/billing/CLAUDE.md#/Billing/Team/Working rules", "--from", own];
        self.command(&self.anna.clone(), &link)?;
        self.command(&self.bert.clone(), &["accept", "rules", "--yes"])?;
        self.stage.wait(&self.anna, "rules", "both are in sync", in_sync)?;
        self.says("Bert adds a rule, and Anna edits another section of her file:")?;
        self.agents_md.edit_around("`api/` the rest", "`api/` and `jobs/` the rest")?;
        self.edit(
            Which::ClaudeMd,
            "rules",
            "- One change, one commit.\n",
            "- One change, one commit.\n- Say why, not what.\n",
        )?;
        self.show_changes(Which::ClaudeMd)?;
        self.show_changes(Which::AgentsMd)?;
        let (a, b) = (self.portion(Which::AgentsMd)?, self.portion(Which::ClaudeMd)?);
        self.claim(
            "both have all four rules",
            a.contains("Say why") && b.contains("Say why") && b.contains("Tests before"),
        )?;
        self.claim("each keeps its own heading level", a.starts_with("## Working") && b.starts_with("### Working"))?;
        self.surroundings()
    }

    fn region(&mut self) -> Result<(), CommandError> {
        self.chapter("A marked region of two web servers' configuration")?;
        let own = "nginx/origin.conf#mark:upstreams";
        let link = ["link", "upstreams", own, "bert:~/nginx/edge.conf#mark:upstreams", "--from", own];
        self.command(&self.anna.clone(), &link)?;
        self.command(&self.bert.clone(), &["accept", "upstreams", "--yes"])?;
        self.stage.wait(&self.anna, "upstreams", "both are in sync", in_sync)?;
        self.edge.edit_around("worker_processes 2;", "worker_processes 4;")?;
        self.edit(Which::Origin, "upstreams", "10.0.0.12:8080", "10.0.0.13:8080")?;
        self.show_changes(Which::Edge)?;
        let edge = self.portion(Which::Edge)?;
        self.claim("the new server is in both", edge.contains("10.0.0.11") && edge.contains("10.0.0.13"))?;
        self.claim("the region is indented as its file is", edge.contains("\n\tupstream shop {"))?;
        self.surroundings()
    }

    fn conflict(&mut self) -> Result<(), CommandError> {
        self.chapter("A conflict: two edits of one line, while Bert's machine is away")?;
        self.stage.stop(&self.bert);
        self.edit_without_bert()?;
        self.claude_md.edit("- One change, one commit.", "- Small commits only.")?;
        self.stage.start(&self.bert, &["agent", "run"])?;
        self.stage.wait(&self.anna, "rules", "the conflict is seen", |g| g.state == "conflict")?;
        self.command(&self.anna.clone(), &["status", "rules"])?;
        let (a, b) = (self.portion(Which::AgentsMd)?, self.portion(Which::ClaudeMd)?);
        self.claim(
            "each file keeps what its user wrote",
            a.contains("One topic, one commit") && b.contains("Small commits only"),
        )?;
        self.command(&self.anna.clone(), &["resolve", "rules", "--take", "bert:~/billing/CLAUDE.md"])?;
        self.stage.wait(&self.anna, "rules", "the conflict has ended", in_sync)?;
        let (a, b) = (self.portion(Which::AgentsMd)?, self.portion(Which::ClaudeMd)?);
        self.claim(
            "both have the one that was taken",
            a.contains("Small commits only") && b.contains("Small commits only"),
        )?;
        let log = self.command(&self.anna.clone(), &["log", "rules"])?;
        self.claim("the history has the resolution", log.contains("resolve"))?;
        let lost = self.lost_side()?;
        self.claim("the other one is a version, and can be had again", lost.contains("One topic, one commit"))?;
        self.surroundings()
    }

    /// Anna's edit while Bert's agent does not run; it becomes a version.
    fn edit_without_bert(&mut self) -> Result<(), CommandError> {
        let before = self.stage.wait(&self.anna, "rules", "the group is there", |_| true)?.head_number;
        self.agents_md.edit("- One change, one commit.", "- One topic, one commit.")?;
        self.stage.wait(&self.anna, "rules", "Anna's edit is a version", |g| g.head_number > before)?;
        Ok(())
    }

    /// The content of the version before the resolution on Anna's side.
    fn lost_side(&self) -> Result<String, CommandError> {
        self.stage.run(&self.anna, &["show", "rules@-1"])
    }

    fn restore(&mut self) -> Result<(), CommandError> {
        self.chapter("Every sync is a version: history, and back to the first one")?;
        self.command(&self.anna.clone(), &["log", "mcp"])?;
        // Codes other than 0 say that they differ, which they do: run it for what it prints.
        let first = self.stage.run(&self.anna, &["show", "mcp@1", "--value"])?;
        let head = self.stage.run(&self.anna, &["show", "mcp", "--value"])?;
        self.claim("version 1 and the head differ", first != head)?;
        self.command(&self.anna.clone(), &["restore", "mcp@1"])?;
        self.stage.wait(&self.anna, "mcp", "the old version is everywhere", in_sync)?;
        self.show_changes(Which::Claude)?;
        self.show_changes(Which::Codex)?;
        let (claude, codex) = (self.portion(Which::Claude)?, self.portion(Which::Codex)?);
        let old = |text: &str| text.contains("server-github") && !text.contains("docs.example");
        self.claim("both files hold version 1 again", old(&claude) && old(&codex))?;
        self.claim("what only Codex knows is still there", codex.contains("startup_timeout_sec = 20  # slow disk"))?;
        let now = self.stage.run(&self.anna, &["show", "mcp", "--value"])?;
        self.claim("the head means what version 1 means", now == first)?;
        self.surroundings()
    }

    fn end(&mut self) -> Result<(), CommandError> {
        self.chapter("In the end")?;
        self.command(&self.anna.clone(), &["status", "--wait"])?;
        let versions = self.stage.run(&self.anna, &["log", "mcp", "--json"])?;
        let count = serde_json::from_str::<Vec<serde_json::Value>>(&versions).map_or(0, |list| list.len());
        // The link, what Bert had, three edits … and nothing for what applications wrote around.
        self.claim("edits around the portions made no versions", count == 5)
    }

    /// An edit in a portion, waited for until it is everywhere.
    fn edit(&mut self, which: Which, group: &str, from: &str, to: &str) -> Result<(), CommandError> {
        let before = self.stage.wait(&self.anna, group, "the group is quiet", in_sync)?.head_number;
        self.document(which).edit(from, to)?;
        self.stage.wait(&self.anna, group, "the edit is everywhere", |g| g.head_number > before && in_sync(g))?;
        Ok(())
    }

    /// The main claim, about all six files.
    fn surroundings(&mut self) -> Result<(), CommandError> {
        let mut same = true;
        for which in Which::ALL {
            same &= self.document(which).portion()?.is_some();
        }
        self.claim("outside of the portions, all six files are byte for byte what their owners wrote", same)
    }

    fn portion(&mut self, which: Which) -> Result<String, CommandError> {
        let document = self.document(which);
        let name = document.name;
        document.portion()?.ok_or_else(|| CommandError::failed(format!("{name} was changed outside of its portion")))
    }

    fn document(&mut self, which: Which) -> &mut Document {
        match which {
            Which::Claude => &mut self.claude,
            Which::Codex => &mut self.codex,
            Which::AgentsMd => &mut self.agents_md,
            Which::ClaudeMd => &mut self.claude_md,
            Which::Origin => &mut self.origin,
            Which::Edge => &mut self.edge,
        }
    }

    fn chapter(&self, title: &str) -> Result<(), CommandError> {
        let bold = Style::new().bold().underline();
        self.ctx.print(format_args!("\n{bold}{title}{bold:#}"))
    }

    fn says(&self, text: &str) -> Result<(), CommandError> {
        self.ctx.print(format_args!("  {text}"))
    }

    fn told(&self, machine: &Machine, command: &str) -> Result<(), CommandError> {
        let dim = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
        self.ctx.print(format_args!("  {dim}{}$ inlay {command}{dim:#}", machine.name))
    }

    /// Runs a command on a machine and shows it with its output.
    fn command(&self, machine: &Machine, arguments: &[&str]) -> Result<String, CommandError> {
        let quoted: Vec<String> = arguments.iter().map(|a| crate::error::quoted(a)).collect();
        self.told(machine, &quoted.join(" "))?;
        let output = self.stage.run(machine, arguments)?;
        self.quote(&output)?;
        Ok(output)
    }

    fn quote(&self, output: &str) -> Result<(), CommandError> {
        output.lines().try_for_each(|line| self.ctx.print(format_args!("    {line}")))
    }

    fn show_changes(&mut self, which: Which) -> Result<(), CommandError> {
        let document = self.document(which);
        let (name, changes) = (document.name, document.changes()?);
        let dim = Style::new().dimmed();
        self.ctx.print(format_args!("    {dim}{name}{dim:#}"))?;
        self.quote(&text::coloured(&changes))
    }

    fn claim(&mut self, claim: &str, is_true: bool) -> Result<(), CommandError> {
        if !is_true {
            return Err(CommandError::failed(format!("this is not true: {claim}")));
        }
        self.claims += 1;
        let green = Style::new().fg_color(Some(AnsiColor::Green.into()));
        self.ctx.print(format_args!("  {green}✓{green:#} {claim}"))
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Claude,
    Codex,
    AgentsMd,
    ClaudeMd,
    Origin,
    Edge,
}

impl Which {
    const ALL: [Which; 6] = [Which::Claude, Which::Codex, Which::AgentsMd, Which::ClaudeMd, Which::Origin, Which::Edge];
}

fn in_sync(group: &v1::GroupStatus) -> bool {
    group.state == IN_SYNC
}
