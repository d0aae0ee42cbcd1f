//! Two versions of a group, compared.

use portion::{Format, Fragment, Value};
use wire::v1;

use crate::command::diff::{self, Same, Side};
use crate::context::Context;
use crate::error::CommandError;
use crate::members::{self, Listed};
use crate::service::{self, Service};
use crate::zone::{self, Zone};

/// `inlay diff NAME V [W]`: from V to W, which is the head if it is left out.
pub(crate) fn diff(name: &str, from: &str, to: Option<&str>, ctx: &Context) -> Result<Same, CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let log = service.client.log(v1::LogRequest { name: name.to_owned(), limit: 0 }).await?.into_inner();
        let (from, to) = (members::version(&log, from, name)?, members::version(&log, to.unwrap_or("head"), name)?);
        let zone = Zone::need(&service.home, "show contents").await?;
        let from = side(&zone, name, &from).await?;
        let to = side(&zone, name, &to).await?;
        diff::show(&from, &to, ctx)
    })
}

/// A version's content with a name for people.
pub(crate) async fn side(zone: &Zone, name: &str, listed: &Listed<'_>) -> Result<Side, CommandError> {
    let fragment = zone.read(&listed.record).await?;
    let value = value(listed, &fragment, name)?;
    Ok(Side { name: format!("{name}@{}", listed.entry.number), fragment, value })
}

/// What a version means to the group; null if the portion was removed in it.
fn value(listed: &Listed<'_>, fragment: &Fragment, name: &str) -> Result<Value, CommandError> {
    let at = format!("{name}@{}", listed.entry.number);
    if fragment.format == Format::Absent {
        return Ok(Value::Null);
    }
    zone::mapping(&listed.record)?.value(fragment).map_err(|e| CommandError::lens(&at, e))
}
