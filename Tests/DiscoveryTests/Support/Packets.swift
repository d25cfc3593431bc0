// SPDX-License-Identifier: MIT

/// Packets written by hand from the layouts of RFC 1035, section 4, RFC 2782, RFC 4034, section 4.1, and RFC 6762,
/// section 18; offsets are decimal.
enum Packets {
    /// "Who offers _smpc._tcp?", with one instance known.
    static let browse = bytes(
        hex: """
            0000                                  //  0 id, zero in multicast
            0000                                  //  2 a query
            0001 0001 0000 0000                   //  4 one question, one known answer
            05 5f736d7063                         // 12 "_smpc"
            04 5f746370                           // 18 "_tcp"
            05 6c6f63616c 00                      // 23 "local", root
            000c 0001                             // 30 PTR, IN
            c00c 000c 0001                        // 34 the name at 12, PTR, IN
            00000e10                              // 40 3600 s
            0004                                  // 44 four bytes of data
            01 61 c00c                            // 46 "a" and the name at 12
            """)

    /// Everything about one instance, as it is announced.
    static let announcement = bytes(
        hex: """
            0000 8400                             //  0 id, an authoritative response
            0000 0004 0000 0001                   //  4 four answers, one additional
            05 5f736d7063 04 5f746370             // 12 "_smpc", at 18 "_tcp"
            05 6c6f63616c 00                      // 23 "local", root
            000c 0001 00001194 0004               // 30 PTR, IN, 4500 s, 4 bytes
            01 61 c00c                            // 40 "a" and the name at 12
            c028 0021 8001 00000078               // 44 the name at 40, SRV, IN with cache-flush, 120 s
            000c                                  // 54 12 bytes
            0000 0000 1d13                        // 56 priority, weight, port 7443
            03 626f78 c017                        // 62 "box" and the name at 23
            c028 0010 8001 00001194 0023          // 68 TXT, cache-flush, 4500 s, 35 bytes
            03 763d31                             // 80 "v=1"
            08 6665643d64656d6f                   // 84 "fed=demo"
            0a 726f6c653d7061727479               // 93 "role=party"
            0a 69643d6465616462 6565              // 104 "id=deadbee": not an identifier, too short by one
            c03e 0001 8001 00000078 0004          // 115 the name at 62, A, cache-flush, 120 s
            c0000207                              // 127 192.0.2.7
            c03e 002f 8001 00000078 0008          // 131 NSEC, cache-flush, 120 s, 8 bytes
            c03e                                  // 143 next name: itself
            00 04 40000008                        // 145 window 0, 4 bytes: types 1 and 28
            """)

    /// A probe for a host name: a question of any type and the claim (RFC 6762, section 8.1).
    static let probe = bytes(
        hex: """
            0000 0000 0001 0000 0001 0000         //  0 one question, one authority
            03 626f78 05 6c6f63616c 00            // 12 "box.local"
            00ff 8001                             // 23 ANY, IN with the wish for a unicast answer
            c00c 0001 0001 00000078 0004 c0000207 // 27 A, 120 s, 192.0.2.7
            """)
}
