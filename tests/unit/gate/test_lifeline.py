"""What ends a call: the first reason wins, and a wait ends at once."""

import asyncio

import pytest

from sekisho.core import Reason
from sekisho.gate.lifeline import CutShort, Lifeline


async def test_a_wait_ends_with_its_news_its_time_or_a_cut():
    """Three ways out, each with its meaning."""
    loop = asyncio.get_running_loop()
    news = loop.create_future()
    loop.call_soon(news.set_result, None)
    await Lifeline(loop).wait(news, timeout_s=1, late=Reason.LAB_TIMEOUT)
    with pytest.raises(CutShort) as late:
        await Lifeline(loop).wait(loop.create_future(), timeout_s=0.01, late=Reason.LAB_TIMEOUT)
    assert late.value.reason is Reason.LAB_TIMEOUT
    lifeline = Lifeline(loop)
    loop.call_soon(lifeline.cut, Reason.CUT_BY_HOLD)
    with pytest.raises(CutShort) as cut:
        await lifeline.wait(loop.create_future(), timeout_s=1, late=Reason.LAB_TIMEOUT)
    assert cut.value.reason is Reason.CUT_BY_HOLD


async def test_the_first_reason_stays():
    """A caller that leaves because of a hold was held."""
    lifeline = Lifeline(asyncio.get_running_loop())
    lifeline.cut(Reason.CUT_BY_HOLD)
    lifeline.cut(Reason.CALLER_LEFT)
    with pytest.raises(CutShort) as cut:
        await lifeline.wait(asyncio.get_running_loop().create_future(), timeout_s=1, late=Reason.LAB_TIMEOUT)
    assert cut.value.reason is Reason.CUT_BY_HOLD
