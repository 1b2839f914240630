// Package dataexport exports conversations and messages from an AI Agent, whole and each once.
//
//	export := dataexport.New(client)
//	for conversation, err := range export.Conversations(ctx, dataexport.Query{Since: since}) {
//		if err != nil {
//			return err // an *Error: it has the checkpoint to go on from
//		}
//		fmt.Println(conversation.ID, conversation.Resolution)
//	}
//
// What to know before using it:
//
//   - Ada has the last 12 months, and one request reaches over 60 days and brings 10,000 records at most. An export of
//     any range is split and paged by itself. Every request names both ends of its range: without an end Ada answers
//     with seven days, and says nothing.
//   - Records arrive in the export late: near real time in v2, by Ada's account, and after 24 to 48 hours in the versions
//     before it. What arrives after an export has passed its time is missing from it. [Query.Lag] holds back what is
//     too young to be complete.
//   - Ada pages by timestamp, and sends records again at the border of two pages. They are left out here, by their ids
//     and times. More than 10,000 records with one timestamp cannot be paged through at all: [ErrStuck].
//   - An export by update ([ByUpdated]) has a conversation once for each state in which it was found. Store records by
//     their ID, and the last one wins.
//   - Rate limits are kept by themselves: 10 requests a second, 100 a minute and 15,000 a day for v2. One page takes Ada
//     seconds, so that a long export is several times as fast with [Query.Concurrency] 4.
//
// # Exactly once
//
// A page comes with a [Checkpoint]. Store both in one transaction, and an export that is killed at any moment goes on
// without a record lost or doubled; store the checkpoint after the page, and one page can come twice.
//
//	for page, err := range export.MessagePages(ctx, dataexport.Query{Since: since, Resume: checkpoint}) {
//		if err != nil {
//			return err
//		}
//		tx := begin()
//		for message, err := range page.Records() {
//			if err != nil {
//				return err
//			}
//			tx.upsert(message.ID, message.Raw)
//		}
//		tx.save(page.Next)
//		tx.commit()
//	}
//
// # Failures
//
// Requests are repeated on failure, as [ada] says; a page that broke off is fetched anew, and nothing of a broken one is
// handed out. An answer that is not a page, such as one without an array of records, is an error and never the end.
//
// # Memory
//
// A page is read to its end before it is handed out, and at most 256 MiB long. Pages of more than 128 KiB go through a
// temporary file in [os.TempDir], encrypted with a key that is only in memory, so that the size of pages and their number
// do not matter for memory. Records that are kept share the strings that repeat in a page, such as languages and topics.
//
// Ada's pages: https://docs.ada.cx/reference/data-export/overview
package dataexport
