//! Variables that depend on addresses: `geo`.

use std::net::Ipv4Addr;

use portunus_conf_syntax::{Directive, Word};

use super::rewrite::parse_variable;
use crate::address::{Network, parse_ipv4};
use crate::fault::{Fault, show};
use crate::text::Text;

/// A `geo` block. nginx: `ngx_http_geo_block`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Geo<'a> {
    /// The variable that holds the address; the client's own address if there is none.
    pub source: Option<Text<'a>>,
    /// Name of the variable that results, without `$`.
    pub variable: Text<'a>,
    /// Whether entries are ranges of addresses and not networks.
    pub ranges: bool,
    /// Whether the result is worked out anew at each use.
    pub volatile: bool,
    /// Proxies whose X-Forwarded-For is trusted.
    pub proxies: Vec<Network>,
    /// Whether that field is searched for the last address that is not trusted.
    pub proxy_recursive: bool,
    /// The result where nothing matches.
    pub default: Option<&'a Word>,
    /// The other entries, in order; a later one for the same addresses wins.
    pub entries: Vec<GeoEntry<'a>>,
}

/// An entry of a [`Geo`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GeoEntry<'a> {
    /// A network has this value.
    Network(Network, &'a Word),
    /// A network has no value any more.
    DeleteNetwork(Network),
    /// A range of addresses, both ends included, has this value.
    Range(Ipv4Addr, Ipv4Addr, &'a Word),
    /// A range has no value any more.
    DeleteRange(Ipv4Addr, Ipv4Addr),
}

impl<'a> Geo<'a> {
    /// Reads the arguments of a `geo`, its block left out.
    ///
    /// # Errors
    /// If they are no variables.
    pub fn parse_head(directive: &'a Directive) -> Result<Self, Fault> {
        let (source, variable) = match &directive.args[..] {
            [variable] => (None, parse_variable(variable)?),
            [source, variable] => (Some(parse_variable(source)?), parse_variable(variable)?),
            _ => return Err(Fault::of(directive, "has too few arguments")),
        };
        Ok(Self {
            source,
            variable,
            ranges: false,
            volatile: false,
            proxies: Vec::new(),
            proxy_recursive: false,
            default: None,
            entries: Vec::new(),
        })
    }

    /// Reads a `geo` with its block.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let mut geo = Self::parse_head(directive)?;
        for entry in directive.children() {
            geo.add(entry)?;
        }
        Ok(geo)
    }

    /// Takes one line of the block. nginx: `ngx_http_geo`. Gives what nginx warns of, if anything.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn add(&mut self, entry: &'a Directive) -> Result<Option<String>, Fault> {
        let [value] = &entry.args[..] else {
            match (entry.name.as_bytes(), entry.args.is_empty()) {
                (b"ranges", true) if self.default.is_some() || !self.entries.is_empty() => {
                    return Err(Fault::new(
                        "the \"ranges\" directive must be the first directive inside \"geo\" block",
                    ));
                }
                (b"ranges", true) => self.ranges = true,
                (b"proxy_recursive", true) => self.proxy_recursive = true,
                (b"volatile", true) => self.volatile = true,
                _ => return Err(Fault::new("invalid number of the geo parameters")),
            }
            return Ok(None);
        };
        match entry.name.as_bytes() {
            b"proxy" => {
                let network = parse_network(value)?;
                self.proxies.push(network);
                Ok(low_bits(value, network))
            }
            b"default" => Ok(self.set_default(value)),
            b"delete" if self.ranges => {
                let (first, last) = parse_range(value)?;
                self.entries.push(GeoEntry::DeleteRange(first, last));
                Ok(None)
            }
            b"delete" => {
                let network = parse_network(value)?;
                self.entries.push(GeoEntry::DeleteNetwork(network));
                Ok(low_bits(value, network))
            }
            _ if self.ranges => {
                let (first, last) = parse_range(&entry.name)?;
                self.entries.push(GeoEntry::Range(first, last, value));
                Ok(None)
            }
            _ => {
                let network = parse_network(&entry.name)?;
                self.entries.push(GeoEntry::Network(network, value));
                Ok(low_bits(&entry.name, network))
            }
        }
    }

    fn set_default(&mut self, value: &'a Word) -> Option<String> {
        let old = self.default.replace(value).filter(|_| self.ranges)?;
        let (new, old) = (show(value.as_bytes()), show(old.as_bytes()));
        Some(format!(
            "duplicate default geo range value: \"{new}\", old value: \"{old}\""
        ))
    }
}

fn parse_network(word: &Word) -> Result<Network, Fault> {
    if *word == "255.255.255.255" {
        let address = Ipv4Addr::BROADCAST.into();
        return Ok(Network {
            address,
            bits: 32,
            low_bits: false,
        });
    }
    Network::parse(word.as_bytes()).ok_or_else(|| Fault::invalid("network", word))
}

fn low_bits(word: &Word, network: Network) -> Option<String> {
    let text = show(word.as_bytes());
    network
        .low_bits
        .then(|| format!("low address bits of {text} are meaningless"))
}

fn parse_range(word: &Word) -> Result<(Ipv4Addr, Ipv4Addr), Fault> {
    let range = || {
        let (first, last) = Text::from(word).split_at_byte(b'-')?;
        let range = (parse_ipv4(first.bytes)?, parse_ipv4(last.bytes)?);
        (range.0 <= range.1).then_some(range)
    };
    range().ok_or_else(|| Fault::invalid("range", word))
}
