//! The rendezvous protocol, which is protobuf and has more than one encoding of a message.

use shoal_wire::rendezvous::{
    MAX_COOKIE, MAX_NAMESPACE, MAX_RECORD, MAX_RESPONSE, RendezvousRequest, RendezvousResponse,
};

use super::input::Pieces;

/// How much longer the request says that it is, then its bytes.
pub(super) fn request(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let beyond = usize::from(pieces.byte()) << 8;
    let body = pieces.rest();
    let Ok(request) = RendezvousRequest::decode(body, body.len() + beyond) else { return };
    assert_eq!(beyond, 0, "half of a request was taken for a whole one");
    match &request {
        RendezvousRequest::Register { namespace, record, .. } => {
            assert!(namespace.len() <= MAX_NAMESPACE && record.len() <= MAX_RECORD);
        }
        RendezvousRequest::Unregister { namespace } => assert!(namespace.len() <= MAX_NAMESPACE),
        RendezvousRequest::Discover { namespace, cookie, .. } => {
            assert!(namespace.as_ref().is_none_or(|it| it.len() <= MAX_NAMESPACE));
            assert!(cookie.as_ref().is_none_or(|it| it.len() <= MAX_COOKIE));
        }
    }
    let written = request.encode();
    let body = without_length(&written);
    assert_eq!(RendezvousRequest::decode(body, body.len()), Ok(request));
}

pub(super) fn response(body: &[u8]) {
    let Ok(response) = RendezvousResponse::decode(body) else { return };
    if let RendezvousResponse::Discover(Ok(found)) = &response {
        assert!(found.cookie.len() <= MAX_COOKIE);
        let fits = found.registrations.iter();
        assert!(fits.clone().all(|it| it.namespace.len() <= MAX_NAMESPACE && it.record.len() <= MAX_RECORD));
    }
    if let Some(refused) = response.refused() {
        assert!(refused.text.len() <= 512);
        super::oracle::assert_shows_plainly(&refused.to_string());
    }
    let written = response.encode();
    let body = without_length(&written);
    assert!(body.len() <= MAX_RESPONSE);
    assert_eq!(RendezvousResponse::decode(body), Ok(response));
}

fn without_length(frame: &[u8]) -> &[u8] {
    let prefix = 1 + frame.iter().take_while(|byte| **byte & 0x80 != 0).count();
    &frame[prefix..]
}
