import Knowledge
package import NIOCore
package import NIOHTTPTypes

/// Nobody waits for the answer any more.
struct ClientLeft: Error {}

/// Notices on a connection's inbound side that the client has gone, also while nothing is being written to it.
///
/// A server that notices only at its next write would keep a model busy for a reader who left before the first token.
package final class ClientPresence: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    package typealias InboundIn = HTTPRequestPart

    /// Opens when the client goes.
    let departure = Latch()

    package init() {}

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { departure.open() }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        departure.open()
        context.fireChannelInactive()
    }
}
