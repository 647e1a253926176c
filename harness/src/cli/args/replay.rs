//! Flags of `replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::common::duration;
use super::options::{ChainChoice, Command, ReplayOptions};
use super::parse::Parsed;
use super::resolve::{PATIENCE, Surroundings};
use super::setup::{self, SetupArgs};
use super::target::{AttachArgs, ChainArgs, ListenArgs, TargetArgs};
use super::target_of::Found;
use crate::replay::{self, Place, ReplayFile, ReplayTarget};
use crate::runner::REPEATS_MAX;

#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArgs {
    /// A file from the `replay` folder of a report
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Try so often, and stop when it is made again [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEATS_MAX)))]
    #[arg(env = "X402_ASSAY_REPEAT", hide_env = true)]
    repeat: Option<u32>,

    /// Longest wait for something that may never happen [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(env = "X402_ASSAY_PATIENCE", hide_env = true)]
    patience: Option<Duration>,

    /// Write history and report into this folder [default: no files]
    #[arg(long, value_name = "DIR", env = "X402_ASSAY_OUT", hide_env = true)]
    out: Option<PathBuf>,

    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    attach: AttachArgs,
}

impl ReplayArgs {
    /// What it means: the file, with the flags over it.
    pub(super) fn options(
        &self,
        parsed: &Parsed,
        surroundings: Surroundings<'_>,
        problems: &mut Vec<String>,
    ) -> Option<Command> {
        let target = &self.target;
        let given = [&target.server, &target.facilitator, &target.client];
        let other_target = given.iter().any(|target| target.is_some());
        let place = Place {
            folder: surroundings.folder,
            lookup: surroundings.lookup,
            with_target: !other_target,
        };
        let path = surroundings.folder.join(&self.file);
        let file = replay::load(&path, &self.file.display().to_string(), place);
        let file = file.map_err(|found| problems.extend(found)).ok()?;
        let groups = SetupArgs {
            target,
            chain: &self.chain,
            listen: &self.listen,
            attach: &self.attach,
        };
        let mut setup = if other_target {
            setup::resolve(&groups, parsed, surroundings, problems)
        } else {
            let found = Some(self.found(&file, parsed, problems));
            setup::with_target(found, &groups, parsed, surroundings, problems)
        }?;
        if !other_target
            && target.defects.is_empty()
            && let Some(ReplayTarget::BuiltIn { defects }) = &file.target
        {
            setup.defects.clone_from(defects);
        }
        let asked = parsed.typed("chain") || self.chain.chain != ChainChoice::Auto;
        match (&file.chain, asked || self.attach.attach.is_some()) {
            (_, true) => {}
            (Some(chain), false) => setup.chain.choice = chain.clone(),
            (None, false) => problems.push(
                "it was found on a node that was named by URL, which the file does not keep; add --chain URL".to_owned(),
            ),
        }
        setup.chain.chain_id = setup.chain.chain_id.or(file.network);
        setup.versions = setup.versions.or(file.x402.map(|version| vec![version]));
        Some(Command::Replay(Box::new(ReplayOptions {
            setup,
            repeat: self.repeat.unwrap_or(1),
            out: self.out.as_ref().map(|out| surroundings.folder.join(out)),
            patience: self.patience.unwrap_or(PATIENCE),
            file,
        })))
    }

    /// The file's own target. Flags that describe one go with a target of their own.
    fn found(&self, file: &ReplayFile, parsed: &Parsed, problems: &mut Vec<String>) -> Found {
        let flags = [
            ("method", "-X"),
            ("headers", "-H"),
            ("data", "-d"),
            ("marker", "--marker"),
            ("launch", "--launch"),
        ];
        for (_, flag) in flags.iter().filter(|(id, _)| parsed.typed(id)) {
            problems.push(format!(
                "{flag} goes with --server URL; the file's own target is changed in the file"
            ));
        }
        let profile = match &file.target {
            Some(ReplayTarget::Profile(profile)) => Some((**profile).clone()),
            _ => None,
        };
        if profile.is_some() && parsed.typed("defects") {
            problems.push(
                "--defect breaks the built-in reference server; the file names another target"
                    .to_owned(),
            );
        }
        Found {
            profile,
            ..Found::default()
        }
    }
}
