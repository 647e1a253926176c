// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TokenState} from "./TokenState.sol";

/// ERC-20 with minting by the owner.
abstract contract Balances is TokenState {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function totalSupply() external view returns (uint256) {
        return state().totalSupply;
    }

    function balanceOf(address account) external view returns (uint256) {
        return state().balances[account];
    }

    function allowance(address account, address spender) external view returns (uint256) {
        return state().allowances[account][spender];
    }

    function mint(address to, uint256 value) external onlyOwner whenNotPaused returns (bool) {
        create(to, value);
        return true;
    }

    /// Ours, not FiatToken's: funds many payers in one transaction.
    function mintMany(address[] calldata to, uint256 value) external onlyOwner whenNotPaused {
        for (uint256 i = 0; i < to.length; i++) {
            create(to[i], value);
        }
    }

    function transfer(address to, uint256 value)
        external
        virtual
        whenNotPaused
        notBlocked(msg.sender)
        notBlocked(to)
        returns (bool)
    {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value)
        external
        virtual
        whenNotPaused
        notBlocked(msg.sender)
        notBlocked(from)
        notBlocked(to)
        returns (bool)
    {
        uint256 allowed = state().allowances[from][msg.sender];
        require(value <= allowed, "ERC20: transfer amount exceeds allowance");
        if (allowed != type(uint256).max) {
            state().allowances[from][msg.sender] = allowed - value;
        }
        move(from, to, value);
        return true;
    }

    function approve(address spender, uint256 value)
        external
        whenNotPaused
        notBlocked(msg.sender)
        notBlocked(spender)
        returns (bool)
    {
        setAllowance(msg.sender, spender, value);
        return true;
    }

    function setAllowance(address account, address spender, uint256 value) internal {
        require(account != address(0), "ERC20: approve from the zero address");
        require(spender != address(0), "ERC20: approve to the zero address");
        state().allowances[account][spender] = value;
        emit Approval(account, spender, value);
    }

    function create(address to, uint256 value) private notBlocked(to) {
        require(to != address(0), "FiatToken: mint to the zero address");
        State storage s = state();
        s.totalSupply += value;
        s.balances[to] += value;
        emit Transfer(address(0), to, value);
    }

    /// The one place where balances change between accounts; the zoo overrides it.
    function move(address from, address to, uint256 value) internal virtual {
        require(from != address(0), "ERC20: transfer from the zero address");
        require(to != address(0), "ERC20: transfer to the zero address");
        State storage s = state();
        uint256 balance = s.balances[from];
        require(value <= balance, "ERC20: transfer amount exceeds balance");
        unchecked {
            s.balances[from] = balance - value;
        }
        s.balances[to] += value;
        emit Transfer(from, to, value);
    }
}
