// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Storage, one-shot set-up and the owner's switches.
///
/// All state sits in one struct at a slot of its own, so that placing this code over another
/// token (a forked chain) never reads that token's leftovers.
abstract contract TokenState {
    struct State {
        string name;
        string symbol;
        string version;
        bytes32 nameHash;
        bytes32 versionHash;
        uint256 totalSupply;
        address owner;
        uint8 decimals;
        bool initialized;
        bool paused;
        mapping(address => uint256) balances;
        mapping(address => mapping(address => uint256)) allowances;
        mapping(address => bool) blocked;
        mapping(address => uint256) permitNonces;
        mapping(address => mapping(bytes32 => bool)) authorizations;
    }

    bytes32 private constant STATE_SLOT = bytes32(uint256(keccak256("x402-assay.token.state")) - 1);

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    event Pause();
    event Unpause();
    event Blacklisted(address indexed _account);
    event UnBlacklisted(address indexed _account);

    modifier onlyOwner() {
        require(msg.sender == state().owner, "Ownable: caller is not the owner");
        _;
    }

    modifier whenNotPaused() {
        require(!state().paused, "Pausable: paused");
        _;
    }

    modifier notBlocked(address account) {
        require(!state().blocked[account], "Blacklistable: account is blacklisted");
        _;
    }

    /// Stands in for the constructor, which never runs when code is placed by the node.
    function initialize(
        string calldata name_,
        string calldata symbol_,
        string calldata version_,
        uint8 decimals_,
        address owner_
    ) external {
        State storage s = state();
        require(!s.initialized, "AssayToken: already initialized");
        require(owner_ != address(0), "AssayToken: owner is the zero address");
        s.initialized = true;
        s.name = name_;
        s.symbol = symbol_;
        s.version = version_;
        s.decimals = decimals_;
        s.owner = owner_;
        s.nameHash = keccak256(bytes(name_));
        s.versionHash = keccak256(bytes(version_));
    }

    function pause() external onlyOwner {
        state().paused = true;
        emit Pause();
    }

    function unpause() external onlyOwner {
        state().paused = false;
        emit Unpause();
    }

    function blacklist(address account) external onlyOwner {
        state().blocked[account] = true;
        emit Blacklisted(account);
    }

    function unBlacklist(address account) external onlyOwner {
        state().blocked[account] = false;
        emit UnBlacklisted(account);
    }

    function name() external view returns (string memory) {
        return state().name;
    }

    function symbol() external view returns (string memory) {
        return state().symbol;
    }

    function version() external view returns (string memory) {
        return state().version;
    }

    function decimals() external view returns (uint8) {
        return state().decimals;
    }

    function owner() external view returns (address) {
        return state().owner;
    }

    function paused() external view returns (bool) {
        return state().paused;
    }

    function isBlacklisted(address account) external view returns (bool) {
        return state().blocked[account];
    }

    /// Computed on every call: the chain id of a development node can change under the token.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        State storage s = state();
        return keccak256(
            abi.encode(DOMAIN_TYPEHASH, s.nameHash, s.versionHash, block.chainid, address(this))
        );
    }

    function typedDigest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), structHash));
    }

    function state() internal pure returns (State storage s) {
        bytes32 slot = STATE_SLOT;
        assembly ("memory-safe") {
            s.slot := slot
        }
    }
}
