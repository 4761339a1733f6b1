//! `location`: modifiers, and which location may stand in which.

use super::{At, Outcome};
use crate::fault::{Fault, show};
use crate::table::LOCATION;
use crate::typed::LocationMatch;

/// nginx: `ngx_http_core_location`. Duplicates show only at the end of `http`.
pub(super) fn check(at: At<'_>) -> Outcome {
    let this = LocationMatch::parse(at.directive)?;
    if at.scope.context() != LOCATION {
        return Ok(());
    }
    let Some(Ok(outer)) = at.scope.directive().map(LocationMatch::parse) else {
        return Ok(());
    };
    let (name, outer_name) = (show(this.name().bytes), show(outer.name().bytes));
    let inside = |what| {
        let message =
            format!("location \"{name}\" cannot be inside the {what} location \"{outer_name}\"");
        Err(Fault::new(message).at(this.name().word))
    };
    match (outer, this) {
        (LocationMatch::Exact(_), _) => inside("exact"),
        (LocationMatch::Named(_), _) => inside("named"),
        (_, LocationMatch::Named(_)) => {
            let message = format!("named location \"{name}\" can be on the server level only");
            Err(Fault::new(message).at(this.name().word))
        }
        (_, LocationMatch::Regex { .. }) => Ok(()),
        _ if this.name().bytes.starts_with(outer.name().bytes) => Ok(()),
        _ => {
            let message = format!("location \"{name}\" is outside location \"{outer_name}\"");
            Err(Fault::new(message).at(this.name().word))
        }
    }
}
