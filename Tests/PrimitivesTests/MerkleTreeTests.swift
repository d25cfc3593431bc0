// SPDX-License-Identifier: MIT

import Primitives
import Testing

@Suite struct MerkleTreeTests {
    /// The leaves that Certificate Transparency implementations test with, and the roots over the first n of them.
    @Test func rootsOfCertificateTransparencysLeaves() throws {
        let leaves = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        ]
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]
        var tree = MerkleTreeHasher()
        #expect(tree.root == SHA256.hash([]))
        for (leaf, root) in zip(leaves, roots) {
            tree.add(leaf: try hex(leaf))
            #expect(tree.root.hex == root)
        }
        #expect(tree.count == 8)
    }

    @Test func agreesWithTheRecursiveDefinition() {
        let leaves = (0..<70).map { [UInt8($0), 1, 2] }
        var tree = MerkleTreeHasher()
        for (index, leaf) in leaves.enumerated() {
            tree.add(leaf: leaf)
            #expect(tree.root == naiveRoot(leaves[...index]))
        }
    }

    /// RFC 9162, section 2.1.1, word for word.
    private func naiveRoot(_ leaves: ArraySlice<[UInt8]>) -> Digest {
        if leaves.isEmpty { return SHA256.hash([]) }
        if leaves.count == 1 { return SHA256.hash([0] + leaves[leaves.startIndex]) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let left = naiveRoot(leaves.prefix(split))
        let right = naiveRoot(leaves.dropFirst(split))
        return SHA256.hash([1] + left.bytes + right.bytes)
    }
}
