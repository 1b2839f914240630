// Package segment makes Braze objects of calls in the form of Segment's tracking API, as Segment's classic Braze
// destination does.
//
//	mapper := segment.Mapper{TrackNamedPages: true}
//	batch, omitted := mapper.Map(call)
//	result, err := client.Track(ctx, batch)
//
// What becomes of the calls:
//
//	identify             attributes: firstName, lastName, birthday, avatar, gender, address.city, address.country, email
//	                     and phone as fields of the profile, all other traits as custom attributes
//	track                an event
//	  "Order Completed"  a purchase for each of its products
//	  with a revenue     a purchase whose product is the name of the event
//	page, screen         an event, where the Mapper says so
//	group                the custom attribute ab_segment_group_<groupId>, which is true
//
// Computed traits and audiences come as identify or track calls, and become attributes named in snake case, or events
// such as "Audience Entered".
//
// The user is userId, as an external id, or else the braze_id in integrations or context.integrations.
//
// Where Segment's documentation and its code of 2017 differ, this package does what the documentation says. It differs
// from both in what Braze takes today:
//
//   - Gender becomes one of Braze's letters, and a null removes it.
//   - A country is taken where it is a code of two letters.
//   - A null trait removes the custom attribute.
//   - A purchase of more than 100 pieces becomes several, since Braze takes at most 100 in one.
//   - Properties of a purchase lose the name currency as well, which Braze refuses.
//   - What Braze would refuse or drop is left out and named, such as a trait that is an object or a string that is too
//     long. What Map returns always passes Braze's checks.
//   - There is no app_id of an empty string.
//
// Calls print without the personal data in them.
//
// Segment's page: https://www.twilio.com/docs/segment/connections/destinations/catalog/braze
package segment
