//! What may pass of a message of the store between this node and a peer, in either direction: addresses of other peers, as
//! far as they lead anywhere from there.

use shoal_addresses::{Scope, tellable};
use shoal_wire::query::PeerAddresses;
use shoal_wire::store::{StoreHello, StoreRequest, StoreResponse};

pub(super) fn sift_request(request: StoreRequest, standing: Scope) -> StoreRequest {
    match request {
        StoreRequest::Hello(hello) => StoreRequest::Hello(sift_hello(hello, standing)),
        StoreRequest::Offer { record, holders } => {
            StoreRequest::Offer { record, holders: sift(&holders, standing) }
        }
        StoreRequest::Status { .. }
        | StoreRequest::Check { .. }
        | StoreRequest::End(_)
        | StoreRequest::Bye {}
        | StoreRequest::Find { .. } => request,
    }
}

pub(super) fn sift_response(response: StoreResponse, standing: Scope) -> StoreResponse {
    match response {
        StoreResponse::Hello(hello) => StoreResponse::Hello(sift_hello(hello, standing)),
        StoreResponse::Status { state, holders, nearest, records } => StoreResponse::Status {
            state,
            holders: sift(&holders, standing),
            nearest: sift(&nearest, standing),
            records,
        },
        StoreResponse::Ok {}
        | StoreResponse::Offered { .. }
        | StoreResponse::Proof { .. }
        | StoreResponse::Found { .. }
        | StoreResponse::Error { .. } => response,
    }
}

fn sift_hello(hello: StoreHello, standing: Scope) -> StoreHello {
    StoreHello { members: sift(&hello.members, standing), ..hello }
}

fn sift(peers: &[PeerAddresses], standing: Scope) -> Vec<PeerAddresses> {
    let sifted = peers.iter().filter_map(|told| {
        let addresses = tellable(told.multiaddrs(), standing);
        (!addresses.is_empty()).then_some(PeerAddresses::new(told.peer()?, &addresses))
    });
    sifted.collect()
}

#[cfg(test)]
mod tests {
    use libp2p::{Multiaddr, PeerId};

    use super::*;

    #[test]
    fn no_address_passes_into_a_network_that_the_other_side_is_not_in() {
        let [public, private]: [Multiaddr; 2] =
            ["/ip4/8.8.8.8/tcp/1", "/ip4/10.0.0.1/tcp/22"].map(|text| text.parse().unwrap());
        let peers = vec![
            PeerAddresses::new(PeerId::random(), &[public.clone(), private.clone()]),
            PeerAddresses::new(PeerId::random(), std::slice::from_ref(&private)),
        ];
        let status = |standing| {
            let (holders, nearest) = (peers.clone(), peers.clone());
            let state = shoal_wire::store::CopyState::Held;
            let it = StoreResponse::Status { state, holders, nearest, records: vec![] };
            match sift_response(it, standing) {
                StoreResponse::Status { holders, nearest, .. } => (holders, nearest),
                other => panic!("{other:?}"),
            }
        };
        let (holders, nearest) = status(Scope::Public);
        assert_eq!(holders, nearest);
        let told: Vec<Vec<Multiaddr>> = holders.iter().map(|it| it.multiaddrs().collect()).collect();
        assert_eq!(told, [vec![public]]);
        assert_eq!(status(Scope::Private).0.len(), 2);
    }
}
