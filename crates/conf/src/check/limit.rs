//! Limits and their zones.

use portunus_conf_syntax::Directive;

use super::state::ZoneOwner;
use super::{At, Checker, Outcome};
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::typed::{LimitConn, LimitReq, LimitZone};

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    match special {
        Special::LimitReqZone => declare(
            checker,
            at,
            LimitZone::parse_req(directive)?,
            ZoneOwner::LimitReq,
        ),
        Special::LimitConnZone => declare(
            checker,
            at,
            LimitZone::parse_conn(directive)?,
            ZoneOwner::LimitConn,
        ),
        Special::LimitReq => {
            let limit = LimitReq::parse(directive)?;
            checker
                .state
                .add_zone(limit.zone, 0, ZoneOwner::LimitReq, directive)?;
            let mut earlier = at.all_earlier().filter_map(|one| LimitReq::parse(one).ok());
            if earlier.any(|one| one.zone == limit.zone) {
                return Err(Fault::duplicate(directive));
            }
            Ok(())
        }
        Special::LimitConn => {
            if let Some(zone) = directive.args.first() {
                checker
                    .state
                    .add_zone(zone.as_bytes(), 0, ZoneOwner::LimitConn, directive)?;
                let same = |one: &Directive| {
                    one.args
                        .first()
                        .is_some_and(|one| one.as_bytes() == zone.as_bytes())
                };
                if at.all_earlier().any(same) {
                    return Err(Fault::duplicate(directive));
                }
            }
            LimitConn::parse(directive).map(drop)
        }
        _ => Ok(()),
    }
}

fn declare<'a>(
    checker: &mut Checker<'a, '_>,
    at: At<'a>,
    limit: LimitZone<'a>,
    owner: ZoneOwner,
) -> Outcome {
    let zone = checker
        .state
        .add_zone(limit.zone.name, limit.zone.size, owner, at.directive)?;
    if zone.declared {
        let (directive, name) = (at.directive.name.message_text(), show(limit.zone.name));
        let keys = at.all_earlier().filter_map(|one| match owner {
            ZoneOwner::LimitReq => LimitZone::parse_req(one).ok(),
            _ => LimitZone::parse_conn(one).ok(),
        });
        let key = keys
            .filter(|one| one.zone.name == limit.zone.name)
            .map(|one| one.key)
            .next();
        let key = key.map(|key| key.message_text()).unwrap_or_default();
        let message = format!("{directive} \"{name}\" is already bound to key \"{key}\"");
        return Err(Fault::new(message));
    }
    zone.declared = true;
    Ok(())
}
