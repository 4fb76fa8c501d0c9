//! The route set of a dialog: fixed when the dialog begins (RFC 3261 §12.1), written into every request of it
//! (§12.2.1.1), strict routers of RFC 2543 included.

use crate::message::{HeaderError, NameAddr, Request, Response, Uri};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteSet(Vec<NameAddr>);

impl RouteSet {
    /// One that is known before the dialog: a Service-Route (RFC 3608 §6.1).
    pub fn preloaded(routes: Vec<NameAddr>) -> RouteSet {
        RouteSet(routes)
    }

    /// The callee's: Record-Route in order (RFC 3261 §12.1.1).
    pub fn of_request(request: &Request) -> Result<RouteSet, HeaderError> {
        Ok(RouteSet(request.headers.record_routes()?))
    }

    /// The caller's: Record-Route reversed (RFC 3261 §12.1.2).
    pub fn of_response(response: &Response) -> Result<RouteSet, HeaderError> {
        let mut routes = response.headers.record_routes()?;
        routes.reverse();
        Ok(RouteSet(routes))
    }

    pub fn first(&self) -> Option<&Uri> {
        self.0.first().map(|route| &route.uri)
    }

    /// The Request-URI and the Route values of a request to `target`.
    pub fn apply(&self, target: &Uri) -> (Uri, Vec<String>) {
        let Some((first, rest)) = self.0.split_first() else { return (target.clone(), Vec::new()) };
        // `lr` marks a loose router, with or without a value: `;lr=on` is common.
        if first.uri.is_loose_router() {
            return (target.clone(), self.0.iter().map(NameAddr::to_string).collect());
        }
        // A strict router finds itself in the Request-URI, and the target at the end of the route.
        let mut uri = first.uri.clone();
        uri.params.remove("method");
        uri.headers.clear();
        let mut routes: Vec<String> = rest.iter().map(NameAddr::to_string).collect();
        routes.push(format!("<{target}>"));
        (uri, routes)
    }
}
