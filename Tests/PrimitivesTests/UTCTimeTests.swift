// SPDX-License-Identifier: MIT

import Primitives
import Testing

struct UTCTimeTests {
    // Expected values by `date -u -d @SECONDS +%FT%TZ`.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_782_399, "2000-02-28T23:59:59Z"),
            (951_868_799, "2000-02-29T23:59:59Z"), (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
            (1_795_246_365, "2026-11-21T07:32:45Z"), (2_173_934_313, "2038-11-21T06:38:33Z"),
        ] as [(Int64, String)])
    func timesAreWrittenAsByTheCalendar(_ seconds: Int64, _ expected: String) {
        #expect(UTCTime(seconds).description == expected)
    }
}
