//! A contract wallet: an account with code that decides whose signature counts (ERC-1271), deployed or not (ERC-6492).

use alloy_primitives::{Address, B256, Bytes, address, hex};
use alloy_sol_types::SolValue as _;

/// Deploys whatever it is sent behind a salt, at an address that depends on both alone; dev nodes bring it along.
pub const DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// How an ERC-6492 signature ends.
const MAGIC: [u8; 32] = hex!("6492649264926492649264926492649264926492649264926492649264926492");
/// The wallet's code up to its owner's address. Every call is taken for `isValidSignature(bytes32,bytes)`: hash, v, r and s
/// are handed to `ecrecover`, which leaves the signer in the first word of memory.
const BEFORE_OWNER: &[u8] = &hex!(
    "6004355f52"       // mem[0x00] = hash
    "60a4355f1a602052" // mem[0x20] = v, the signature's last byte
    "606435604052"     // mem[0x40] = r
    "608435606052"     // mem[0x60] = s
    "60205f60805f60015afa50" // ecrecover(mem[0x00..0x80]) -> mem[0x00..0x20]
    "5f5173"           // mem[0x00] ==
);
/// The rest: ERC-1271's magic value when the signer is the owner, zero when not.
const AFTER_OWNER: &[u8] = &hex!("14" "631626ba7e60e01b" "02" "5f52" "60205ff3");

/// The wallet of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractWallet {
    init_code: Bytes,
}

impl ContractWallet {
    /// The wallet that takes this account's signatures for its own.
    pub fn of(owner: Address) -> Self {
        let code = [BEFORE_OWNER, owner.as_slice(), AFTER_OWNER].concat();
        let length = u8::try_from(code.len()).expect("the code has about 80 bytes");
        // PUSH1 length, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN: the nine bytes before the code return it.
        let head = [0x60, length, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
        Self {
            init_code: [&head[..], &code].concat().into(),
        }
    }

    /// Its address, whether it is deployed or not.
    pub fn address(&self) -> Address {
        DEPLOYER.create2_from_code(B256::ZERO, &self.init_code)
    }

    /// What deploys it when it is sent to [`DEPLOYER`].
    pub fn deployment(&self) -> Bytes {
        [B256::ZERO.as_slice(), &self.init_code].concat().into()
    }

    /// The owner's signature as a wallet sends it that is not deployed yet (ERC-6492).
    pub fn wrapped(&self, signature: &[u8]) -> Bytes {
        let inner = Bytes::copy_from_slice(signature);
        let mut bytes = (DEPLOYER, self.deployment(), inner).abi_encode_params();
        bytes.extend(MAGIC);
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_a_wallet_of_its_own() {
        let [one, two] = [1, 2].map(|byte| ContractWallet::of(Address::repeat_byte(byte)));
        assert_eq!(one, ContractWallet::of(Address::repeat_byte(1)));
        assert_ne!(one.address(), two.address());
        assert_eq!(usize::from(one.init_code[1]), one.init_code.len() - 9);
    }

    #[test]
    fn a_wrapped_signature_names_the_deployer_and_ends_in_the_magic_word() {
        let wallet = ContractWallet::of(Address::repeat_byte(1));
        let wrapped = wallet.wrapped(&[7; 65]);
        let (body, magic) = wrapped.split_at(wrapped.len() - 32);
        assert_eq!(magic, MAGIC);
        let read = <(Address, Bytes, Bytes)>::abi_decode_params(body).unwrap();
        assert_eq!(
            read,
            (DEPLOYER, wallet.deployment(), Bytes::from(vec![7; 65]))
        );
    }
}
