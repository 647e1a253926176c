//! The steps, one small file each. A new step is a file with its struct, its `decode` and its `KIND`, an entry in
//! [`STEPS`], a variant of [`Step`], and its keys in the JSON Schema.

mod buy;
mod call;
mod chain;
mod clear_faults;
mod facilitator;
mod hold;
mod link;
mod mutate;
mod origin;
mod payer;
mod quote;
mod reencode;
mod release;
mod replicas;
mod restart;
mod route;
mod rpc;
mod select;
mod send;
mod send_carried;
mod send_options;
mod settle_down;
mod sign;
mod wait;

pub use buy::Buy;
pub use call::{Call, Endpoint};
pub use chain::{Chain, Mining, TokenKind};
pub use clear_faults::{ClearFaults, FaultPlace};
pub use facilitator::{Calls, CannedBody, Facilitator, Fault, Lie, Supported};
pub use hold::{Hold, HoldOn, Until};
pub use link::{Link, LinkEnds, LinkFault};
pub use mutate::{Change, Mutate, Mutated};
pub use origin::{Origin, OriginBehaviour};
pub use payer::{Payer, Wallet};
pub use quote::{Generation, Quote};
pub use reencode::Reencode;
pub use release::{Order, Release};
pub use replicas::Replicas;
pub use restart::{How, Restart, Restarted};
pub use route::Route;
pub use rpc::{Rpc, RpcError, RpcFault, RpcLie};
pub use select::Select;
pub use send::{Content, Send};
pub use send_carried::Carried;
pub use send_options::{BodyForm, Encode, HeaderForm, Replica, Retry, RetryPolicy};
pub use settle_down::SettleDown;
pub use sign::{Sign, Window};
pub use wait::{CallState, Condition, Wait};

use super::keys::backticked;
use super::model::Role;
use super::scope::Scope;
use crate::config::did_you_mean;
use crate::config::yaml::{MapView, View};

use super::case::CaseStep;

/// More steps than this are refused.
const STEPS_MAX: usize = 200;

/// Roles for which a step makes sense.
pub(super) const ANY_ROLE: &[Role] = &[Role::Server, Role::Facilitator];
/// Steps which need the bench's own facilitator, or a server of the user's.
pub(super) const ONLY_SERVER: &[Role] = &[Role::Server];

/// One thing a scenario does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Asks for a price.
    Quote(Quote),
    /// Signs payments.
    Sign(Sign),
    /// Names another payer.
    Payer(Payer),
    /// Changes members of a message.
    Mutate(Mutate),
    /// Writes a payment in another way.
    Reencode(Reencode),
    /// Sends requests to the server.
    Send(Send),
    /// Calls the facilitator directly.
    Call(Call),
    /// Makes one whole honest purchase.
    Buy(Buy),
    /// Lets time pass, or waits for something to happen.
    Wait(Wait),
    /// Waits until nothing is in flight.
    SettleDown(SettleDown),
    /// Holds facilitator calls back.
    Hold(Hold),
    /// Lets held calls go.
    Release(Release),
    /// A fault of the bench's facilitator.
    Facilitator(Facilitator),
    /// A fault of a network link.
    Link(Link),
    /// Something that happens on the chain or to its RPC.
    Chain(Chain),
    /// How the paid handler behaves on a route.
    Origin(Origin),
    /// Ends faults.
    ClearFaults(ClearFaults),
    /// Stops and starts a process.
    Restart(Restart),
    /// How many copies of the target run.
    Replicas(Replicas),
}

/// How a step is written and read.
#[derive(Debug, Clone, Copy)]
pub struct StepKind {
    /// The word it starts with.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Every key it knows.
    pub keys: &'static [&'static str],
    /// The roles it makes sense for.
    pub roles: &'static [Role],
    pub(super) decode: fn(&MapView<'_>, &mut Scope<'_>) -> Option<Step>,
}

/// Every step of the language; suggestions, `list` and the JSON Schema's test come from here.
pub const STEPS: &[StepKind] = &[
    quote::KIND,
    sign::KIND,
    payer::KIND,
    mutate::KIND,
    reencode::KIND,
    send::KIND,
    call::KIND,
    buy::KIND,
    wait::KIND,
    settle_down::KIND,
    hold::KIND,
    release::KIND,
    facilitator::KIND,
    link::KIND,
    chain::KIND,
    origin::KIND,
    clear_faults::KIND,
    restart::KIND,
    replicas::KIND,
];

impl Step {
    /// The word it is written with.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Quote(_) => quote::KIND.name,
            Self::Sign(_) => sign::KIND.name,
            Self::Payer(_) => payer::KIND.name,
            Self::Mutate(_) => mutate::KIND.name,
            Self::Reencode(_) => reencode::KIND.name,
            Self::Send(_) => send::KIND.name,
            Self::Call(_) => call::KIND.name,
            Self::Buy(_) => buy::KIND.name,
            Self::Wait(_) => wait::KIND.name,
            Self::SettleDown(_) => settle_down::KIND.name,
            Self::Hold(_) => hold::KIND.name,
            Self::Release(_) => release::KIND.name,
            Self::Facilitator(_) => facilitator::KIND.name,
            Self::Link(_) => link::KIND.name,
            Self::Chain(_) => chain::KIND.name,
            Self::Origin(_) => origin::KIND.name,
            Self::ClearFaults(_) => clear_faults::KIND.name,
            Self::Restart(_) => restart::KIND.name,
            Self::Replicas(_) => replicas::KIND.name,
        }
    }
}

/// Reads every step in order; what is wrong is reported and left out.
pub(super) fn decode_steps(view: &View<'_>, scope: &mut Scope<'_>) -> Vec<CaseStep> {
    let Some(items) = view.as_list() else {
        return Vec::new();
    };
    if items.is_empty() {
        view.problem("is empty; a scenario does at least one thing");
    }
    if items.len() > STEPS_MAX {
        view.problem(format!(
            "has more than {STEPS_MAX} steps; split the scenario"
        ));
    }
    let numbered = items.iter().take(STEPS_MAX).enumerate();
    numbered
        .filter_map(|(index, item)| {
            Some(CaseStep {
                number: index + 1,
                line: item.position().line,
                step: decode_step(item, scope)?,
            })
        })
        .collect()
}

fn decode_step(item: &View<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let map = item.as_map()?;
    let mut entries = map.entries();
    let Some((name, _, value)) = entries.next() else {
        item.problem("is empty; a step is one word with its keys, like `quote: { as: offer }`");
        return None;
    };
    for (extra, _, _) in entries {
        let message = format!(
            "`{extra}` stands beside `{name}`; start each step with its own `- `, or indent the keys of `{name}`"
        );
        map.problem_at_key(extra, &message);
    }
    let Some(kind) = STEPS.iter().find(|kind| kind.name == name) else {
        let names: Vec<&str> = STEPS.iter().map(|kind| kind.name).collect();
        let hint = match did_you_mean(name, names.iter().copied()) {
            hint if hint.is_empty() => format!("; steps: {}", names.join(", ")),
            hint => hint,
        };
        map.problem_at_key(name, &format!("unknown step `{name}`{hint}"));
        return None;
    };
    scope.foreign = !kind.roles.contains(&scope.role);
    if scope.foreign {
        let roles: Vec<&str> = kind.roles.iter().map(|role| role.word()).collect();
        let message = format!(
            "`{name}` is a step for the role {}; this scenario tests a {}",
            backticked(&roles),
            scope.role.word()
        );
        map.problem_at_key(name, &message);
    }
    let keys = value.as_map()?;
    keys.unknown_keys(kind.keys);
    let step = (kind.decode)(&keys, scope);
    scope.foreign = false;
    step
}
