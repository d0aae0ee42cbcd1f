//! What the fuzz targets reach beside the public interface: the routes without TLS in front of them. Who calls is what the request's
//! extensions say.

use axum::Router;

use crate::manager::Manager;
use crate::serve;

/// All that the manager answers. A [`crate::Peer`] among a request's extensions is believed.
pub fn router(manager: &Manager) -> Router {
    serve::router(manager, Router::new())
}
