//! `fastcgi_pass` and its kin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderName;
use portunus_fastcgi::{ParamName, Params};
use portunus_fpm::{Options, Pool};
use portunus_routing::Regex;
use portunus_upstream::{Balance, Group, Peer};

use super::{Caching, DynamicPools, FileCopy, IgnoredFields, NextUpstream, Template};
use crate::variable::Variable;

/// A location that PHP answers.
///
/// Source: nginx, ngx_http_fastcgi_module.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own"
)]
pub struct FastCgi {
    /// `fastcgi_pass`.
    pub pass: FastCgiPass,
    /// `fastcgi_param`.
    pub params: FastCgiParams,
    /// `fastcgi_pass_request_body`.
    pub pass_request_body: bool,
    /// `fastcgi_pass_request_headers`.
    pub pass_request_headers: bool,
    /// `fastcgi_request_buffering`.
    pub request_buffering: bool,
    /// `fastcgi_buffer_size`, until a larger head has been warned of.
    pub buffer_size: HeadRoom,
    /// With `fastcgi_intercept_errors`, the statuses that `error_page` has pages for, from 300 on.
    pub intercepted: Box<[u16]>,
    /// `fastcgi_force_ranges`.
    pub force_ranges: bool,
    /// Fields that stay here: nginx's own list, `fastcgi_hide_header`, less `fastcgi_pass_header`.
    pub hidden: Vec<HeaderName>,
    /// `fastcgi_ignore_headers`.
    pub ignored: IgnoredFields,
    /// `fastcgi_next_upstream` and its kin.
    pub next_upstream: NextUpstream,
    /// `fastcgi_script_check`.
    pub script_check: bool,
    /// Number of the lane (`fastcgi_lane`); 0 is the general one.
    pub lane: usize,
    /// `fastcgi_limit_rate`, where there is one.
    pub limit_rate: Option<Template>,
    /// Time-outs and habits of the exchange.
    pub options: Arc<Options>,
    /// Those for groups that variables may name and that have words of their own.
    pub named_options: Box<[(Box<str>, Arc<Options>)]>,
    /// `fastcgi_cache` and its kin.
    pub caching: Option<Box<Caching>>,
    /// `fastcgi_store`.
    pub copy: Option<FileCopy>,
}

impl FastCgi {
    /// Time-outs and habits of the exchange with a member of `group`.
    pub(crate) fn options_for(&self, group: &FastCgiGroup) -> &Arc<Options> {
        let named = self.named_options.iter();
        let own = named
            .filter(|(name, _)| **name == *group.group.name())
            .map(|(_, options)| options);
        own.last().unwrap_or(&self.options)
    }
}

/// What `$fastcgi_script_name` and `$fastcgi_path_info` are made by, wherever they are asked for.
#[derive(Debug)]
pub struct ScriptNames {
    /// `fastcgi_index`.
    pub index: Option<Box<[u8]>>,
    /// `fastcgi_split_path_info`.
    pub split: Option<Regex>,
    /// `fastcgi_script_check`: a script's name ends where a segment does.
    pub whole_segments: bool,
}

/// How large a head is expected to be (`fastcgi_buffer_size`).
///
/// Differs: to nginx a larger head is an error; here it is one warning, up to a limit that is safe.
#[derive(Debug)]
pub struct HeadRoom {
    size: usize,
    told: AtomicBool,
}

impl HeadRoom {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let told = AtomicBool::new(false);
        Self { size, told }
    }

    /// The room there is, where `size` bytes are too many for it and nobody has been told yet.
    pub(crate) fn exceeded_by(&self, size: usize) -> Option<usize> {
        let first = size > self.size && !self.told.swap(true, Ordering::Relaxed);
        first.then_some(self.size)
    }
}

/// Where requests go.
#[derive(Debug)]
pub enum FastCgiPass {
    /// An address, or the members of an `upstream`.
    Group(Arc<FastCgiGroup>),
    /// Variables name the address; pools are looked up as addresses turn up.
    Dynamic {
        /// The address.
        target: Template,
        /// The pools.
        pools: Arc<DynamicPools>,
        /// Whether names are looked up (`resolver`).
        resolves: bool,
    },
}

/// Pools that requests are shared out among.
#[derive(Debug)]
pub struct FastCgiGroup {
    /// The members; an address alone is a group of one.
    pub group: Group<Pool>,
    /// What `hash` goes by.
    pub key: Option<Template>,
}

impl FastCgiGroup {
    /// A group of one.
    #[must_use]
    pub fn of_one(pool: Pool) -> Self {
        let name: Box<str> = (&**pool.name()).into();
        let peer = Peer {
            server: name.clone(),
            ..Peer::with_address(pool)
        };
        let group = Group::new(name, vec![peer], Balance::RoundRobin);
        Self { group, key: None }
    }

    /// The addresses of one name, which take turns.
    ///
    /// Source: nginx, `ngx_http_upstream_init_round_robin`, an upstream implicitly defined.
    #[must_use]
    pub fn in_turn(name: &str, pools: impl IntoIterator<Item = Pool>) -> Self {
        let peers = pools.into_iter().map(|pool| Peer {
            server: name.into(),
            ..Peer::with_address(pool)
        });
        let group = Group::new(name, peers.collect(), Balance::RoundRobin);
        Self { group, key: None }
    }

    /// The pool of a group whose members need no counting: there is one, without a limit.
    pub(crate) fn only(&self) -> Option<&Pool> {
        match self.group.peers() {
            [only] if only.max_conns == 0 && !only.down => Some(&only.address),
            _ => None,
        }
    }
}

/// One `fastcgi_param`.
#[derive(Debug)]
pub struct FastCgiParam {
    /// The name that PHP sees in `$_SERVER`.
    pub name: Box<[u8]>,
    /// The value.
    pub value: Template,
    /// `if_not_empty`.
    pub if_not_empty: bool,
}

/// All `fastcgi_param` of a location, in order, constant ones framed beforehand; the last of a
/// name wins in PHP.
#[derive(Debug, Default)]
pub struct FastCgiParams {
    pub(crate) steps: Vec<ParamStep>,
    /// Names and constant pairs in their wire form, side by side: each request reads them all.
    wires: Vec<u8>,
    /// Request fields that are not passed on, because a param `HTTP_…` stands for them.
    pub(crate) overridden: Vec<HeaderName>,
    /// Whether there is a `CONTENT_LENGTH`.
    pub(crate) tells_length: bool,
}

/// How the next bytes of the params come about.
#[derive(Debug)]
pub(crate) enum ParamStep {
    /// Constant pairs.
    Constant(Wire),
    /// A value of the request's own.
    Expand(ReadyParam),
}

/// Where bytes are in [`FastCgiParams::wires`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    start: u32,
    end: u32,
}

/// A param whose name needs no more work.
#[derive(Debug)]
pub(crate) struct ReadyParam {
    name: Wire,
    /// The variable that is all of the value, as it is most often.
    pub(crate) variable: Option<Variable>,
    pub(crate) value: Box<Template>,
    pub(crate) keep_empty: bool,
    /// It names the script, which is looked at before it goes out.
    pub(crate) is_script: bool,
}

const SCRIPT: &[u8] = b"SCRIPT_FILENAME";

impl FromIterator<FastCgiParam> for FastCgiParams {
    fn from_iter<I: IntoIterator<Item = FastCgiParam>>(params: I) -> Self {
        let (mut made, mut constant) = (Self::default(), Params::default());
        for param in params {
            made.overridden.extend(request_field(&param.name));
            made.tells_length |= &*param.name == b"CONTENT_LENGTH";
            match param.value.as_literal() {
                Some(b"") if param.if_not_empty => {}
                // nginx: `ngx_http_fastcgi_init_params`. It only keeps the client's field away.
                Some(b"") if param.name.starts_with(b"HTTP_") => {}
                Some(literal) if *param.name != *SCRIPT => constant.push(&param.name, literal),
                _ => {
                    made.push_constant(&mut constant);
                    made.push(param);
                }
            }
        }
        made.push_constant(&mut constant);
        made
    }
}

impl FastCgiParams {
    fn push(&mut self, param: FastCgiParam) {
        let name = self.append(|wires| ParamName::frame(&param.name, wires));
        self.steps.push(ParamStep::Expand(ReadyParam {
            name,
            variable: param.value.as_variable().cloned(),
            value: Box::new(param.value),
            keep_empty: !param.if_not_empty,
            is_script: *param.name == *SCRIPT,
        }));
    }

    fn push_constant(&mut self, constant: &mut Params) {
        let pairs = std::mem::take(constant).into_bytes();
        if !pairs.is_empty() {
            let wire = self.append(|wires| wires.extend(pairs));
            self.steps.push(ParamStep::Constant(wire));
        }
    }

    /// A configuration is far shorter than 4 GiB.
    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Wire {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let start = short(self.wires.len());
        write(&mut self.wires);
        let end = short(self.wires.len());
        Wire { start, end }
    }

    /// Pairs, or what stands before a value.
    pub(crate) fn wire(&self, wire: Wire) -> &[u8] {
        let range = wire.start as usize..wire.end as usize;
        self.wires.get(range).unwrap_or_default()
    }

    /// The name of one of its params.
    pub(crate) fn name_of(&self, param: &ReadyParam) -> ParamName<'_> {
        ParamName::of_wire(self.wire(param.name))
    }
}

/// The request field that a param `HTTP_…` stands for.
fn request_field(param: &[u8]) -> Option<HeaderName> {
    let name = param.strip_prefix(b"HTTP_")?;
    let dashed = name.iter().map(|byte| match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    });
    HeaderName::from_bytes(&dashed.collect::<Vec<u8>>()).ok()
}
