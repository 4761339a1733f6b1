@extends('errors.layout')
@section('headline', 'One moment, please')
@section('advice', 'That was a little too fast. Wait a minute and try again.')
