// Package bus takes frames beyond one machine, over NATS: a camd with cameras offers them under the name of its site, and any
// number of camds elsewhere find them and serve them to viewers as if they were their own.
//
//	camd                       who is there? asked by whoever has just come
//	camd.north                 a site's announcement: that it is there, and now and then all of its cameras
//	camd.north.ask             tell of all cameras again
//	camd.north.want            what somebody's viewers watch at this site
//	camd.north.yard.main       frames: a JPEG each, or a piece of one, with headers
//
// # Usage
//
// A [Bus] is one connection. [Bus.Run] keeps it, for ever; [Bus.Offer] says which local cameras others may have;
// [Bus.Cameras] returns those of other sites, each of them a [Camera] that is served like a local one.
//
// # What is promised
//
//   - Nothing is published that nobody watches: a frame goes out only while some relay has said within the last six seconds
//     that a viewer of its own watches that rendition.
//   - Nobody waits and nothing queues. A publisher reads its ring as a viewer does, the newest frame and never an older one; a
//     connection that is down takes no frame, and one that is slow holds a few tens of kilobytes. A relay drops what is overtaken.
//   - Conservation: a frame has the same number at the publisher's ring and at every relay. From the first frame of a watch to
//     the last, published = delivered + dropped, exactly and by reason, at either end.
//   - What was taken from the bus is never published to it: a Bus announces what SetLocalCameras gives it, receives nothing of its own
//     site, and believes of two publishers of one camera the older.
//   - Viewers of a camera stay while it cannot be reached, see why, and get live pictures again on the same connection. They
//     are told to go when the camera's own site says that it is no more.
//   - Whatever a peer sends is bounded and checked; a picture that browsers do not decode goes no further.
//
// # Ownership
//
// Run waits for all that it started. Cameras outlive a connection, and end with Run: their topics end then.
package bus
