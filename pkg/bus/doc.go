// Package bus carries frames and camera states between machines, over NATS. A camd with cameras publishes them under the name
// of its site. Any number of relays find them and serve them to viewers like local cameras.
//
// The subjects, with the default prefix, the site "north" and its camera "yard":
//
//	camd                       discovery: a new connection asks all sites for complete announcements
//	camd.north                 announcements: heartbeats, and complete ones that list all cameras
//	camd.north.ask             a request to this site for a complete announcement
//	camd.north.want            a relay's interest: the renditions that its viewers watch at this site
//	camd.north.yard.main       frames of one rendition: a JPEG or a piece of one, with headers
//
// # Usage
//
// A [Bus] is one connection. [Bus.Run] connects, and reconnects until its context ends. [Bus.SetLocalCameras] sets the local
// cameras that other camds can get. [Bus.Cameras] returns the cameras of other sites. Each is a [Camera], which is served like
// a local one.
//
// # What is promised
//
//   - A frame is published only while viewers watch its rendition: a relay must have sent an interest in it within the last six
//     seconds.
//   - Publishers wait for no reader, and nothing queues. A sender reads its ring as a viewer does: the newest frame, never an
//     older one. A connection that is down takes no frames. A slow connection holds a few tens of kilobytes. A relay drops
//     frames that newer ones have overtaken.
//   - All frames are counted. A frame has the same number in the publisher's ring and at every relay. From the first frame of a
//     watch to the last, passed = delivered + dropped, exactly and by cause, at both ends.
//   - Frames from the bus are never published to it again. A Bus announces only the cameras of SetLocalCameras, and relays no
//     cameras of its own site.
//   - If two instances of a site publish the same camera, the instance that has had it for longer keeps it.
//   - Viewers stay connected while a camera cannot be reached. They see the reason, and then live pictures on the same
//     connection. Their streams end when the camera's site announces that the camera is gone.
//   - Everything that a peer sends is bounded and checked. A picture that browsers cannot decode is dropped.
//
// # Ownership
//
// Run returns when everything that it started has ended. Cameras outlive a connection. Their topics end when Run returns.
package bus
